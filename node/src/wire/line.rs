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
        let end = chunk.iter().position(|byte| *byte == b'\n');
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
            self.unfinished
                .reserve_exact(capacity - self.unfinished.len());
        }
        self.unfinished.extend_from_slice(part);
    }
}
