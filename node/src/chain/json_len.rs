//! How long a block's compact JSON is, without writing it: every block is measured when it comes.
use super::block::{Block, Header, Input, OutPoint, Output, Tiers, Transaction};
use super::{Hash, Json};

/// What has a length as compact JSON.
pub(super) trait JsonLen {
    /// Bytes.
    fn json_len(&self) -> usize;
}

/// The length of a struct: its JSON without values, and the values.
macro_rules! fields {
    ($skeleton:literal, $($field:expr),*) => { $skeleton.len() $(+ $field.json_len())* };
}

// The patterns are exhaustive, so that a new field can't be forgotten.
impl JsonLen for Block {
    fn json_len(&self) -> usize {
        let Self { header, transactions, masternode_rewards, time_attestations } = self;
        fields!(
            r#"{"header":,"transactions":,"masternode_rewards":,"time_attestations":}"#,
            header,
            transactions[..],
            masternode_rewards[..],
            time_attestations
        )
    }
}

impl JsonLen for Header {
    fn json_len(&self) -> usize {
        let Self {
            version,
            height,
            previous_hash,
            merkle_root,
            timestamp,
            block_reward,
            leader,
            attestation_root,
            masternode_tiers: Tiers { free, bronze, silver, gold },
        } = self;
        fields!(
            r#"{"version":,"height":,"previous_hash":,"merkle_root":,"timestamp":,"block_reward":,"leader":,"attestation_root":,"masternode_tiers":{"free":,"bronze":,"silver":,"gold":}}"#,
            version,
            height,
            previous_hash,
            merkle_root,
            timestamp,
            block_reward,
            leader,
            attestation_root,
            free,
            bronze,
            silver,
            gold
        )
    }
}

impl JsonLen for Transaction {
    fn json_len(&self) -> usize {
        let Self { version, inputs, outputs, lock_time, timestamp } = self;
        fields!(
            r#"{"version":,"inputs":,"outputs":,"lock_time":,"timestamp":}"#,
            version,
            inputs[..],
            outputs[..],
            lock_time,
            timestamp
        )
    }
}

impl JsonLen for Input {
    fn json_len(&self) -> usize {
        let Self { previous_output: OutPoint { txid, vout }, script_sig, sequence } = self;
        fields!(
            r#"{"previous_output":{"txid":,"vout":},"script_sig":,"sequence":}"#,
            txid,
            vout,
            script_sig[..],
            sequence
        )
    }
}

impl JsonLen for Output {
    fn json_len(&self) -> usize {
        let Self { value, script_pubkey } = self;
        fields!(r#"{"value":,"script_pubkey":}"#, value, script_pubkey[..])
    }
}

/// An address and an amount.
impl JsonLen for (String, u64) {
    fn json_len(&self) -> usize {
        fields!("[,]", self.0, self.1)
    }
}

impl JsonLen for Hash {
    fn json_len(&self) -> usize {
        self.0[..].json_len()
    }
}

impl JsonLen for Json {
    fn json_len(&self) -> usize {
        self.text().len()
    }
}

impl<T: JsonLen> JsonLen for [T] {
    fn json_len(&self) -> usize {
        2 + self.len().saturating_sub(1) + self.iter().map(T::json_len).sum::<usize>()
    }
}

impl JsonLen for u8 {
    fn json_len(&self) -> usize {
        1 + usize::from(*self >= 10) + usize::from(*self >= 100)
    }
}

impl JsonLen for u64 {
    fn json_len(&self) -> usize {
        self.checked_ilog10().map_or(1, |log| log as usize + 1)
    }
}

impl JsonLen for u32 {
    fn json_len(&self) -> usize {
        u64::from(*self).json_len()
    }
}

impl JsonLen for i64 {
    fn json_len(&self) -> usize {
        usize::from(*self < 0) + self.unsigned_abs().json_len()
    }
}

/// Escaped as serde_json does: what has a short form takes two bytes, other control characters `\u` and four digits.
impl JsonLen for String {
    fn json_len(&self) -> usize {
        let byte = |byte: u8| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0..0x20 => 6,
            _ => 1,
        };
        2 + self.bytes().map(byte).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::chain::compact_json;

    const CASES: u64 = 2_000;

    /// Numbers of every length, the greatest too.
    fn number(rng: &mut ChaCha8Rng) -> u64 {
        let bits = rng.random_range(0..=64);
        if bits == 0 { 0 } else { u64::MAX >> (64 - bits) >> rng.random_range(0..2) }
    }

    fn list<T>(rng: &mut ChaCha8Rng, mut one: impl FnMut(&mut ChaCha8Rng) -> T) -> Vec<T> {
        (0..rng.random_range(0..4)).map(|_| one(rng)).collect()
    }

    fn text(rng: &mut ChaCha8Rng) -> String {
        list(rng, |rng| char::from_u32(rng.random_range(0..0x100)).unwrap())
            .into_iter()
            .chain("é\u{10ffff}".chars())
            .collect()
    }

    fn block(rng: &mut ChaCha8Rng) -> Block {
        let header = Header {
            version: number(rng) as u32,
            height: number(rng),
            previous_hash: Hash(rng.random()),
            merkle_root: Hash::ZERO,
            timestamp: number(rng) as i64,
            block_reward: number(rng),
            leader: text(rng),
            attestation_root: Hash(rng.random()),
            masternode_tiers: Tiers { free: number(rng) as u32, bronze: 0, silver: 9, gold: 10 },
        };
        let input = |rng: &mut ChaCha8Rng| Input {
            previous_output: OutPoint { txid: Hash(rng.random()), vout: number(rng) as u32 },
            script_sig: list(rng, Rng::random),
            sequence: number(rng) as u32,
        };
        let output = |rng: &mut ChaCha8Rng| Output { value: number(rng), script_pubkey: list(rng, Rng::random) };
        let transaction = |rng: &mut ChaCha8Rng| Transaction {
            version: number(rng) as u32,
            inputs: list(rng, input),
            outputs: list(rng, output),
            lock_time: number(rng) as u32,
            timestamp: -(number(rng) as i64 >> 1),
        };
        Block {
            header,
            transactions: list(rng, transaction),
            masternode_rewards: list(rng, |rng| (text(rng), number(rng))),
            time_attestations: serde_json::from_str(r#"[{"a": "\u0007"}, 1.5]"#).unwrap(),
        }
    }

    #[test]
    fn it_is_the_length_of_what_is_written() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..CASES {
            let block = block(&mut rng);
            let json = compact_json(&block);
            assert_eq!(block.json_len(), json.len(), "{}", String::from_utf8_lossy(&json));
        }
        for number in [i64::MIN, i64::MAX, 0, -1] {
            assert_eq!(number.json_len(), number.to_string().len());
        }
        for character in (0..0x80).map(|code| char::from(code).to_string()) {
            assert_eq!(character.json_len(), compact_json(&character).len(), "{character:?}");
        }
    }
}
