//! What a node has on disk at first, as files for `masternode chain import`.
use crate::export::ExportError;
use crate::peer::Chains;
use crate::scenario::resolved::At;

/// Blocks that follow each other, as JSON lines. Chains have pieces of the same name and text as far as they are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// First and last height, and the beginning of the last hash.
    pub name: String,
    /// The lines.
    pub text: String,
}

/// The chain up to `at` without the genesis, which every node has, in pieces of at most `most` bytes; a longer block is a piece of its own.
pub fn pieces(chains: &Chains, at: &At, most: usize) -> Result<Vec<Piece>, ExportError> {
    let mut pieces = Vec::new();
    let (mut text, mut first, mut name) = (String::new(), 1, String::new());
    for block in chains.blocks(at).upto(at.height).skip(1) {
        let line = serde_json::to_string(&block).map_err(|error| ExportError::Scenario(error.to_string()))?;
        if !text.is_empty() && text.len() + line.len() >= most {
            pieces.push(Piece { name, text: std::mem::take(&mut text) });
            first = block.height();
        }
        text.push_str(&line);
        text.push('\n');
        name = format!("{first}-{}-{}", block.height(), block.hash().short());
    }
    if !text.is_empty() {
        pieces.push(Piece { name, text });
    }
    Ok(pieces)
}
