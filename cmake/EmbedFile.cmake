# SPDX-License-Identifier: Apache-2.0
# Run by klutch_embed(): writes OUTPUT, a source file that holds the text of INPUT under the name NAME.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(literals "")
set(offset 0)
# In pieces: compilers need not take longer literals than 65536 characters.
while(offset LESS length)
  string(SUBSTRING "${text}" ${offset} 32000 piece)
  string(APPEND literals "R\"embed(${piece})embed\"\n")
  math(EXPR offset "${offset} + 32000")
endwhile()
file(WRITE ${OUTPUT} "#include <string_view>\n\nnamespace klutch::embedded {\nextern const std::string_view ${NAME};\nconst std::string_view ${NAME} =\n${literals};\n}  // namespace klutch::embedded\n")
