# SPDX-License-Identifier: Apache-2.0
# Text files as string constants of the program.

# klutch_embed(TARGET target NAME identifier FILE file)
#
# Compiles `namespace klutch::embedded { extern const std::string_view identifier; }` into the target; the declaration is
# the user's own. The file must be text without the sequence `)embed"`.
function(klutch_embed)
  cmake_parse_arguments(ARG "" "TARGET;NAME;FILE" "" ${ARGN})
  set(input ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_FILE})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}.embed.cc)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${output} -DNAME=${ARG_NAME} -P ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    DEPENDS ${input} ${PROJECT_SOURCE_DIR}/cmake/EmbedFile.cmake
    VERBATIM)
  target_sources(${ARG_TARGET} PRIVATE ${output})
  # Files may be longer than the 64 KiB that clang holds a compiler to.
  set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON
    COMPILE_OPTIONS "$<$<CXX_COMPILER_ID:Clang>:-Wno-overlength-strings>")
endfunction()
