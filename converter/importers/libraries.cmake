# Importers that need a library of their own. Each can be left out; a file of that kind is then an error that says which
# option reads it. Sets
#   mmoe_import_libraries     what to link
#   mmoe_import_definitions   for the files that include left_out.h
#   mmoe_left_out_sources     names without .cpp, as a regular expression
option(MMOE_IMPORT_HDF5 "Read Keras's .h5 and, with MMOE_IMPORT_ZIP, .keras: needs the HDF5 library" ON)
option(MMOE_IMPORT_ONNX "Read ONNX models: needs protobuf" ON)
option(MMOE_IMPORT_EASYREC "Read the features of TorchEasyRec's configurations: needs protobuf" ON)
option(MMOE_IMPORT_ZIP "Read PyTorch's .pt, NumPy's .npz and Keras's .keras: needs libzip" ON)

set(mmoe_import_libraries "")
set(mmoe_import_definitions "")
set(mmoe_left_out_sources "none")
foreach(importer IN ITEMS EASYREC HDF5 ONNX ZIP)
  list(APPEND mmoe_import_definitions MMOE_IMPORT_${importer}=$<BOOL:${MMOE_IMPORT_${importer}}>)
endforeach()

# mmoe_require_import(importer found package): stops where the library of an importer that is on is not there.
function(mmoe_require_import importer found package)
  if(NOT ${found})
    message(FATAL_ERROR "MMOE_IMPORT_${importer}: its library was not found. Install it (Debian: ${package}), or "
                        "configure with -DMMOE_IMPORT_${importer}=OFF")
  endif()
endfunction()

if(MMOE_IMPORT_HDF5 OR MMOE_IMPORT_ZIP)
  find_package(PkgConfig REQUIRED)
endif()
if(MMOE_IMPORT_ZIP)
  pkg_check_modules(LIBZIP QUIET IMPORTED_TARGET libzip)
  mmoe_require_import(ZIP LIBZIP_FOUND libzip-dev)
  list(APPEND mmoe_import_libraries PkgConfig::LIBZIP)
else()
  string(APPEND mmoe_left_out_sources "|zip_archive|zip_source|torch_zip|npz_source|keras_archive")
endif()
if(MMOE_IMPORT_HDF5)
  pkg_check_modules(HDF5 QUIET IMPORTED_TARGET hdf5-serial)
  find_library(MMOE_HDF5_HL hdf5_serial_hl HINTS ${HDF5_LIBRARY_DIRS})
  if(NOT MMOE_HDF5_HL)
    set(HDF5_FOUND OFF)
  endif()
  mmoe_require_import(HDF5 HDF5_FOUND libhdf5-dev)
  list(APPEND mmoe_import_libraries ${MMOE_HDF5_HL} PkgConfig::HDF5)
else()
  string(APPEND mmoe_left_out_sources "|hdf5_file|keras_source|keras_archive")
endif()
# mmoe_add_messages(name): messages of importers/name.proto, in a library of their own: generated code keeps no warnings of
# ours. Those of a text need the whole library, which then serves all.
function(mmoe_add_messages name)
  set(messages ${CMAKE_CURRENT_BINARY_DIR}/generated)
  add_custom_command(
    OUTPUT ${messages}/${name}.pb.cc ${messages}/${name}.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${messages}
    COMMAND protobuf::protoc --cpp_out=${messages} -I ${CMAKE_CURRENT_SOURCE_DIR}/importers
            ${CMAKE_CURRENT_SOURCE_DIR}/importers/${name}.proto
    DEPENDS importers/${name}.proto)
  add_library(mmoe_${name}_messages STATIC ${messages}/${name}.pb.cc)
  target_include_directories(mmoe_${name}_messages SYSTEM PUBLIC ${messages})
  target_link_libraries(mmoe_${name}_messages PUBLIC
    $<IF:$<BOOL:${MMOE_IMPORT_EASYREC}>,protobuf::libprotobuf,protobuf::libprotobuf-lite>)
  set(mmoe_import_libraries ${mmoe_import_libraries} mmoe_${name}_messages PARENT_SCOPE)
endfunction()
if(MMOE_IMPORT_ONNX OR MMOE_IMPORT_EASYREC)
  find_package(Protobuf QUIET)
endif()
if(MMOE_IMPORT_EASYREC)
  mmoe_require_import(EASYREC Protobuf_FOUND "libprotobuf-dev and protobuf-compiler")
  mmoe_add_messages(easyrec)
else()
  string(APPEND mmoe_left_out_sources "|easyrec_config")
endif()
if(MMOE_IMPORT_ONNX)
  mmoe_require_import(ONNX Protobuf_FOUND "libprotobuf-dev and protobuf-compiler")
  mmoe_add_messages(onnx)
else()
  string(APPEND mmoe_left_out_sources "|onnx_graph|onnx_source|onnx_tensor")
endif()
