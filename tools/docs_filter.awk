# SPDX-License-Identifier: Apache-2.0
# For doxygen: makes the block of plain comments at the top of a header the description of its file.
NR == 1 && /SPDX/ { print; next }
!done && /^\/\/ ?/ && !/^\/\/\// {
  if (!inside) print "/// @file"
  inside = 1
  sub(/^\/\//, "///")
  print
  next
}
inside { done = 1 }
{ print }
