//! Files as streams: unpacked where they are packed.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// Standard input, among paths.
pub const STDIN: &str = "-";
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Opens a file, or standard input for `-`: its bytes, and when it was changed, microseconds since 1970. What is packed is known by its
/// first bytes, whatever its name.
///
/// # Errors
/// The file can't be opened or read.
pub fn open(path: &Path) -> io::Result<(Box<dyn Read>, Option<i64>)> {
    let stdin = path.as_os_str() == STDIN;
    let changed =
        fs::metadata(if stdin { Path::new("/dev/stdin") } else { path }).and_then(|file| file.modified()).ok();
    let since_1970 =
        changed.and_then(|changed| i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok());
    let file: Box<dyn Read> = if stdin { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    Ok((unpacked(file)?, since_1970))
}

fn unpacked(mut file: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut first = Vec::new();
    file.by_ref().take(ZSTD.len() as u64).read_to_end(&mut first)?;
    let (gzip, zstd) = (first.starts_with(&GZIP), first == ZSTD);
    let whole = Cursor::new(first).chain(file);
    Ok(match (gzip, zstd) {
        (true, _) => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        (_, true) => Box::new(Frames { from: BufReader::new(whole), decoder: FrameDecoder::new(), inside: false }),
        _ => Box::new(whole),
    })
}

/// Frames of zstd, one after the other.
struct Frames<R> {
    from: R,
    decoder: FrameDecoder,
    inside: bool,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.inside {
                let count = self.decoder.read(into)?;
                if count > 0 {
                    return Ok(count);
                }
                if !self.decoder.is_finished() {
                    let some = ruzstd::decoding::BlockDecodingStrategy::UptoBlocks(1);
                    self.decoder.decode_blocks(&mut self.from, some).map_err(io::Error::other)?;
                    continue;
                }
                let sums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
                if matches!(sums, (Some(told), Some(is)) if told != is) {
                    return Err(io::Error::other("its checksum is another"));
                }
            }
            if self.from.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.inside = match self.decoder.reset(&mut self.from) {
                Ok(()) => true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.from.by_ref().take(length.into()), &mut io::sink())?;
                    false
                }
                Err(error) => return Err(io::Error::other(error)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn read(bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let done = unpacked(Box::new(Cursor::new(bytes.to_vec()))).and_then(|mut from| from.read_to_end(&mut text));
        (text, done.is_ok())
    }

    #[test]
    fn what_is_packed_is_unpacked_all_parts_of_it() {
        let text = "a line of words\n".repeat(30_000).into_bytes();
        let twice = [text.clone(), text.clone()].concat();
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&text)].concat();
        assert_eq!(read(&text), (text.clone(), true));
        assert_eq!(read(&[gzip(&text), gzip(&text)].concat()), (twice.clone(), true));
        assert_eq!(read(&[zstd(&text), zstd(&text)].concat()), (twice, true));
        assert_eq!(read(&[zstd(&text), skipped].concat()).0.len(), 2 * text.len());
        assert_eq!(read(b"").0, b"");
        assert_eq!(read(b"ab").0, b"ab");
    }

    #[test]
    fn what_breaks_off_gives_what_there_was() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
        for packed in [gzip(&text), zstd(&text)] {
            let (got, whole) = read(&packed[..packed.len() / 2]);
            assert!(!whole && got.len() > 100_000 && text.starts_with(&got));
            let mut damaged = packed.clone();
            let end = damaged.len();
            damaged[end - 6..].fill(0);
            assert!(!read(&damaged).1);
        }
    }
}
