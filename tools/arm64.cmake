# Cross build for aarch64 on Debian: compiler gcc-aarch64-linux-gnu, libraries by multi-arch (tools/packages.sh edge), tests under qemu-user.
#   cmake --preset arm64; cmake --build --preset arm64; ctest --test-dir build/arm64
# The whole program is plain armv8-a, so that it starts on every 64-bit board; the SDOT kernels are files of their own with +dotprod, chosen at run time. The processor that the tests see:
#   QEMU_CPU=cortex-a76 (SDOT, as the Cortex-A55 has it) or cortex-a53 (none); qemu reads that variable itself.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_C_FLAGS_INIT -march=armv8-a)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu /usr)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Only the folders of the architecture: /usr/lib/x86_64-linux-gnu would be found otherwise.
set(CMAKE_IGNORE_PREFIX_PATH /usr/local)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)

# Multi-arch libraries of Debian bring their own loader to /lib/aarch64-linux-gnu, so that no sysroot has to be named.
find_program(URS_QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(URS_QEMU)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${URS_QEMU})
endif()
