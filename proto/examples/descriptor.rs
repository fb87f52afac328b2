//! Writes the freshly compiled descriptor set over `lowerdeck.binpb`, after the contract was changed on purpose.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("lowerdeck.binpb");
    std::fs::write(golden, lowerdeck_proto::FILE_DESCRIPTOR_SET)?;
    println!("wrote lowerdeck.binpb, {} bytes", lowerdeck_proto::FILE_DESCRIPTOR_SET.len());
    Ok(())
}
