//! Builds the runtime's static libraries with CMake, or takes those in the folder MMOE_LIB_DIR.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "this failed: {command:?}");
}

fn build(root: &Path, folder: &Path) -> PathBuf {
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(root).arg("-B").arg(folder).arg("-DCMAKE_BUILD_TYPE=Release");
    for part in ["TOOLS", "CONVERTER", "EXAMPLES", "TESTS"] {
        configure.arg(format!("-DMMOE_BUILD_{part}=OFF"));
    }
    if let Ok(toolchain) = env::var("CMAKE_TOOLCHAIN_FILE") {
        configure.arg(format!("-DCMAKE_TOOLCHAIN_FILE={toolchain}"));
    }
    run(&mut configure);
    run(Command::new("cmake").arg("--build").arg(folder).args(["--parallel", "--target", "mmoe_threads"]));
    folder.join("runtime")
}

fn main() {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let root = fs::canonicalize(manifest.join("../../..")).unwrap();
    println!("cargo:rerun-if-env-changed=MMOE_LIB_DIR");
    println!("cargo:rerun-if-env-changed=CMAKE_TOOLCHAIN_FILE");
    for folder in ["runtime/src", "runtime/include", "kernels", "schema"] {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
    }
    let libraries = match env::var("MMOE_LIB_DIR") {
        Ok(folder) => PathBuf::from(folder),
        Err(_) => build(&root, &PathBuf::from(env::var("OUT_DIR").unwrap()).join("cmake")),
    };
    println!("cargo:rustc-link-search=native={}", libraries.display());
    println!("cargo:rustc-link-lib=static=mmoe_threads");
    println!("cargo:rustc-link-lib=static=mmoe");
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").map_or(false, |vendor| vendor == "apple");
    println!("cargo:rustc-link-lib={}", if apple { "c++" } else { "stdc++" });
}
