# Flags every target of ours is built with: link stoker_options to get them.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    # pch_defines and time_macros let ccache see through the precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

add_library(stoker_options INTERFACE)
target_compile_features(stoker_options INTERFACE cxx_std_23)
target_compile_options(stoker_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Woverloaded-virtual -Wunused -Werror=unused-result -Werror=return-type>
    $<$<COMPILE_LANGUAGE:CXX>:-Xclang -fno-pch-timestamp>
)
target_compile_definitions(stoker_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED
    BOOST_BEAST_SEPARATE_COMPILATION
    _GLIBCXX_ASSERTIONS
)
target_include_directories(stoker_options INTERFACE ${PROJECT_SOURCE_DIR})

# stoker_library(name SOURCES... LINK... PRIVATE_LINK...): a static library per folder,
# alias stoker::name. LINK is what its headers expose, PRIVATE_LINK what only its sources use.
function(stoker_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    add_library(stoker_${name} STATIC ${ARG_SOURCES})
    add_library(stoker::${name} ALIAS stoker_${name})
    target_link_libraries(stoker_${name} PUBLIC stoker_options ${ARG_LINK})
    target_link_libraries(stoker_${name} PRIVATE ${ARG_PRIVATE_LINK})
    target_precompile_headers(stoker_${name} REUSE_FROM stoker_pch)
endfunction()
