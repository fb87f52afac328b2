//! Compiles `lowerdeck.v1` without `protoc`: Rust code from the parsed files, and the encoded descriptor set with
//! imports and comments that reflection serves and `lowerdeck.binpb` is compared with.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// Where the files of the contract are, relative to this package.
const FOLDER: &str = "lowerdeck/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=build.rs");

    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort(); // the order of a folder differs between machines, the descriptor set must not

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    // The encoded form keeps custom options, which the parsed form below does not.
    fs::write(out.join("lowerdeck.binpb"), compiler.encode_file_descriptor_set())?;

    tonic_prost_build::configure()
        .boxed(".lowerdeck.v1.QueueEntry.body.event") // rare and large: completions are neither
        .bytes(".lowerdeck.v1") // payloads pass from socket to driver without a copy
        .build_transport(false) // clients bring their own channel, so this package needs no transport
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
