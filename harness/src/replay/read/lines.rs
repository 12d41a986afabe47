//! Lines of a stream, in bounded memory.
use std::io::{self, Read};

use memchr::memchr;

/// Bytes that are read at once.
const BLOCK: usize = 256 * 1024;
/// Bytes of a line that are used.
pub const LONGEST: usize = 64 * 1024;

/// Reads a stream line by line.
pub struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    /// The rest of a long line is left out.
    skipping: bool,
    /// Bytes that were read.
    pub bytes: u64,
    /// What went wrong; the lines end there.
    pub failed: Option<io::Error>,
}

/// A line without its end.
#[derive(Debug, PartialEq)]
pub struct Raw<'a> {
    /// Its bytes, [`LONGEST`] at most.
    pub bytes: &'a [u8],
    /// It is longer than that.
    pub long: bool,
    /// Its end is there.
    pub ended: bool,
}

impl<R: Read> Lines<R> {
    /// Of this stream.
    pub fn new(from: R) -> Self {
        let buffer = vec![0; BLOCK];
        Self { from, buffer, start: 0, end: 0, ended: false, skipping: false, bytes: 0, failed: None }
    }

    /// What the stream begins with, [`LONGEST`] bytes if it has them; before the first line only.
    pub fn beginning(&mut self) -> &[u8] {
        while self.end < LONGEST && !self.ended {
            self.fill();
        }
        &self.buffer[..self.end.min(LONGEST)]
    }

    /// The next line.
    pub fn next(&mut self) -> Option<Raw<'_>> {
        let mut searched = self.start;
        loop {
            if let Some(length) = memchr(b'\n', &self.buffer[searched..self.end]) {
                let (start, end) = (self.start, searched + length);
                self.start = end + 1;
                searched = self.start;
                if !std::mem::take(&mut self.skipping) {
                    return Some(self.line(start, end, true));
                }
            } else if self.skipping {
                self.start = self.end;
                if self.ended {
                    return None;
                }
                self.fill();
                searched = self.start;
            } else if self.end - self.start > LONGEST {
                let start = self.start;
                self.skipping = true;
                self.start = self.end;
                return Some(self.line(start, start + LONGEST + 1, true));
            } else if self.ended {
                let (start, end) = (self.start, self.end);
                self.start = end;
                return (start < end).then(|| self.line(start, end, false));
            } else {
                searched = self.end - self.start;
                self.fill();
                searched += self.start;
            }
        }
    }

    fn line(&self, start: usize, end: usize, ended: bool) -> Raw<'_> {
        let bytes = &self.buffer[start..end];
        let long = bytes.len() > LONGEST;
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        Raw { bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), long, ended }
    }

    /// Reads more, after what is there.
    fn fill(&mut self) {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match self.from.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.end += count;
                self.bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.failed = Some(error);
                self.ended = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(into.len()).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(text: &[u8], at_once: usize) -> Vec<(Vec<u8>, bool, bool)> {
        let mut lines = Lines::new(Slow(text, at_once));
        lines.beginning();
        let mut all = Vec::new();
        while let Some(Raw { bytes, long, ended }) = lines.next() {
            all.push((bytes.to_vec(), long, ended));
        }
        assert_eq!(lines.bytes, text.len() as u64);
        all
    }

    #[test]
    fn lines_come_whole_however_the_stream_comes() {
        let line = |text: &str, ended| (text.as_bytes().to_vec(), false, ended);
        for at_once in [1, 2, 7, 1 << 20] {
            assert_eq!(lines(b"", at_once), []);
            assert_eq!(lines(b"a\r\n\nb", at_once), [line("a", true), line("", true), line("b", false)]);
            assert_eq!(lines(b"a\n", at_once), [line("a", true)]);
        }
    }

    #[test]
    fn the_rest_of_a_long_line_is_left_out() {
        for (length, at_once) in
            [(LONGEST + 1, 4096), (1 << 20, 1 << 20), (1 << 20, 1000), (BLOCK, BLOCK), (BLOCK + 1, 1 << 20)]
        {
            let mut text = vec![b'x'; length];
            text.extend(b"\nafter\n");
            let read = lines(&text, at_once);
            assert_eq!(read[0], (vec![b'x'; LONGEST], true, true), "{length}");
            assert_eq!(read[1..], [(b"after".to_vec(), false, true)], "{length}");
        }
        let exact = [vec![b'x'; LONGEST], b"\nafter".to_vec()].concat();
        assert_eq!(lines(&exact, 1000)[0], (vec![b'x'; LONGEST], false, true));
        let never = vec![b'x'; 3 * BLOCK];
        assert_eq!(lines(&never, 1 << 20), [(vec![b'x'; LONGEST], true, true)]);
    }
}
