//! What a subject's chain is made of, as its profile and the statements about it have it.
use std::fmt;

use node::chain::{Hash, Json, SealedBlock, testnet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{BlockFormat, Extra, Later};

/// A format of blocks and a genesis. The default is the reference node's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// The format of its blocks, where that isn't v1.
    #[serde(default, skip_serializing_if = "is_v1")]
    pub block_format: BlockFormat,
    /// Its block 0, where that isn't the testnet's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub genesis: Option<Genesis>,
}

impl Ledger {
    /// Block 0 as a v1 block.
    pub fn genesis(&self) -> SealedBlock {
        self.genesis.as_ref().map_or_else(testnet, |genesis| genesis.block.clone())
    }
}

/// `v1`, or `v3 on its own genesis`.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.block_format, if self.genesis.is_some() { " on its own genesis" } else { "" })
    }
}

fn is_v1(format: &BlockFormat) -> bool {
    *format == BlockFormat::V1
}

/// A block 0 of any format; in JSON that block as it is on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Json", into = "Json")]
pub struct Genesis {
    json: Json,
    block: SealedBlock,
    extra: Extra,
}

impl Genesis {
    /// Its compact JSON.
    pub fn json(&self) -> &str {
        self.json.text()
    }

    /// What v1 knows of it.
    pub fn block(&self) -> &SealedBlock {
        &self.block
    }

    /// Its hash in this format.
    pub fn hash(&self, format: BlockFormat) -> Hash {
        format.hash(&self.block.header, &self.extra)
    }
}

impl TryFrom<Json> for Genesis {
    type Error = String;

    fn try_from(json: Json) -> Result<Self, String> {
        let no_block = |error: serde_json::Error| format!("this is no block: {error}");
        let block: SealedBlock = serde_json::from_str(json.text()).map_err(no_block)?;
        let Later { header: extra } = serde_json::from_str(json.text()).map_err(no_block)?;
        match block.height() {
            0 => Ok(Self { json, block, extra }),
            height => Err(format!("a genesis has height 0, not {height}")),
        }
    }
}

impl From<Genesis> for Json {
    fn from(genesis: Genesis) -> Self {
        genesis.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        name: String,
        #[serde(flatten)]
        ledger: Ledger,
    }

    fn read(text: &str) -> Result<Genesis, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_leaves_no_trace_and_others_come_back_as_they_were() {
        let read_back = |json: &str| serde_json::from_str::<Outer>(json).unwrap();
        let plain = "{\"name\":\"n\"}";
        assert_eq!(read_back(plain).ledger, Ledger::default());
        assert_eq!(serde_json::to_string(&read_back(plain)).unwrap(), plain);
        let genesis = serde_json::to_string(&testnet()).unwrap();
        let genesis = genesis.replacen("{\"version\"", "{\"z\":18446744073709551615,\"a\":[{}],\"version\"", 1);
        let other = format!("{{\"name\":\"n\",\"block_format\":\"v3\",\"genesis\":{genesis}}}");
        let Ledger { block_format, genesis: Some(known) } = read_back(&other).ledger else { panic!() };
        assert_eq!((block_format, known.json()), (BlockFormat::V3, genesis.as_str()));
        assert_eq!(known.block(), &testnet(), "what v1 doesn't know is passed over");
        assert_eq!(serde_json::to_string(&read_back(&other)).unwrap(), other);
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&other).unwrap()).unwrap();
        assert_eq!(read_back(&pretty).ledger.genesis(), testnet());
    }

    #[test]
    fn what_is_no_genesis_is_refused() {
        let good = serde_json::to_string(&testnet()).unwrap();
        let at = |part: &str, with: &str| read(&good.replacen(part, with, 1)).unwrap_err();
        assert_eq!(at("\"height\":0", "\"height\":1"), "a genesis has height 0, not 1");
        assert!(at("\"leader\":\"GENESIS\",", "").contains("this is no block: missing field `leader`"));
        assert!(
            at("\"leader\"", "\"vrf_output\":\"00\",\"leader\"").contains("this is no block: invalid type: string")
        );
        assert!(read("[]").unwrap_err().starts_with("this is no block: "));
        assert!(read("").is_err());
    }
}
