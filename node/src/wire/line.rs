//! Cutting a byte stream into lines.

/// Bytes a line may have, its `\n` not counted (wire protocol: Framing).
pub const MAX_LINE: usize = 2_000_000;

/// A stream that can't be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The connection has to be closed: where the next line starts is unknown.
    #[error("line over {MAX_LINE} bytes")]
    TooLong,
}

/// Keeps the unfinished line of one connection, never more than [`MAX_LINE`] bytes.
#[derive(Debug, Default)]
pub struct LineDecoder {
    unfinished: Vec<u8>,
}

impl LineDecoder {
    /// Takes the bytes of `chunk` up to the end of the first line, or all of them.
    ///
    /// Returns that line without its `\n`, or `None` where it goes on in the next chunk. To be called until it does:
    ///
    /// ```
    /// # use node::wire::LineDecoder;
    /// let mut decoder = LineDecoder::default();
    /// let mut chunk: &[u8] = b"one\ntwo\nthr";
    /// let mut lines = Vec::new();
    /// while let Some(line) = decoder.push(&mut chunk)? {
    ///     lines.push(line);
    /// }
    /// assert_eq!(lines, [b"one", b"two"]);
    /// assert_eq!((chunk.len(), decoder.buffered()), (0, 3));
    /// # Ok::<(), node::wire::LineError>(())
    /// ```
    ///
    /// # Errors
    /// [`LineError::TooLong`] as soon as the line has more than [`MAX_LINE`] bytes; what was kept of it is freed.
    pub fn push(&mut self, chunk: &mut &[u8]) -> Result<Option<Vec<u8>>, LineError> {
        let end = memchr::memchr(b'\n', chunk);
        let (part, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
        if part.len() > MAX_LINE - self.unfinished.len() {
            self.unfinished = Vec::new();
            return Err(LineError::TooLong);
        }
        self.append(part);
        *chunk = rest.get(1..).unwrap_or_default();
        Ok(end.map(|_| std::mem::take(&mut self.unfinished)))
    }

    /// Bytes of the unfinished line. At most twice that is allocated, and never more than [`MAX_LINE`].
    pub fn buffered(&self) -> usize {
        self.unfinished.len()
    }

    /// Grows by doubling as a Vec does by itself, but not beyond the limit.
    fn append(&mut self, part: &[u8]) {
        let len = self.unfinished.len() + part.len();
        if len > self.unfinished.capacity() {
            let capacity = (2 * self.unfinished.len()).clamp(len, MAX_LINE);
            self.unfinished.reserve_exact(capacity - self.unfinished.len());
        }
        self.unfinished.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that come out of `chunks`.
    fn lines<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<String>, LineError> {
        let mut decoder = LineDecoder::default();
        let mut lines = Vec::new();
        for mut chunk in chunks {
            while let Some(line) = decoder.push(&mut chunk)? {
                lines.push(String::from_utf8(line).unwrap());
            }
            assert!(chunk.is_empty());
        }
        Ok(lines)
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let stream = "\"GetPeers\"\r\n\n\r\n{\"Ack\":{\"message_type\":\"Händ\"}}\nrest".as_bytes();
        let want = ["\"GetPeers\"\r", "", "\r", "{\"Ack\":{\"message_type\":\"Händ\"}}"];
        for i in 0..=stream.len() {
            for j in i..=stream.len() {
                let chunks = [&stream[..i], &stream[i..j], &stream[j..]];
                assert_eq!(lines(chunks).unwrap(), want, "cut at {i} and {j}");
            }
        }
        assert_eq!(lines(stream.chunks(1)).unwrap(), want);
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_byte_more_fails() {
        for chunk in [1_000, 65_536, usize::MAX] {
            let mut stream = vec![b'x'; MAX_LINE];
            stream.extend(b"\nnext\n");
            let got = lines(stream.chunks(chunk)).unwrap();
            assert_eq!((got[0].len(), got[1].as_str()), (MAX_LINE, "next"));
            stream.insert(0, b'x');
            assert_eq!(lines(stream.chunks(chunk)), Err(LineError::TooLong));
        }
        // Known before its end has come.
        assert_eq!(lines([&vec![b'x'; MAX_LINE][..], b"x"]), Err(LineError::TooLong));
        // The \r before the \n is one of the line's bytes.
        let carriage = ["x".repeat(MAX_LINE - 1), "\r\n".to_owned()].concat();
        assert_eq!(lines([carriage.as_bytes()]).unwrap()[0].len(), MAX_LINE);
    }

    #[test]
    fn memory_stays_within_the_limit_and_is_freed() {
        let mut decoder = LineDecoder::default();
        for pushed in (7_777..=MAX_LINE).step_by(7_777) {
            assert_eq!(decoder.push(&mut &[b'x'; 7_777][..]), Ok(None));
            assert_eq!(decoder.buffered(), pushed);
            let allocated = decoder.unfinished.capacity();
            assert!(allocated <= MAX_LINE.min(2 * pushed), "{allocated} for {pushed}");
        }
        assert_eq!(decoder.push(&mut &vec![b'x'; 7_777][..]), Err(LineError::TooLong));
        assert_eq!((decoder.buffered(), decoder.unfinished.capacity()), (0, 0));

        assert_eq!(decoder.push(&mut &b"one\n"[..]), Ok(Some(b"one".to_vec())));
        for _ in 0..10_000 {
            decoder.push(&mut &b"many short lines\n"[..]).unwrap();
            assert_eq!((decoder.buffered(), decoder.unfinished.capacity()), (0, 0));
        }
    }
}
