//! Gzip unpacked with a decoder that is used again: its 40 kB, made and dropped between the small
//! things that each upload leaves, would tear the heap to pieces.
//!
//! Reads the first member alone, as much of it as is asked for.

use std::cell::Cell;
use std::io::{self, Read};

use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};
use flate2::Crc;
use flate2::bufread::DeflateDecoder;

/// What a gzip stream begins with.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The one method there is.
const DEFLATE: u8 = 8;
const HEADER_BYTES: usize = 10;
const HAS_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

type Decoder = DeflateDecoder<Reader<Bytes>>;

thread_local! {
    static SPARE: Cell<Option<Decoder>> = const { Cell::new(None) };
}

/// What is in a gzip stream.
#[derive(Debug)]
pub(super) struct Gunzip {
    decoder: Option<Decoder>,
    crc: Crc,
}

impl Gunzip {
    /// # Errors
    /// For a header that is none, or is cut off.
    pub(super) fn new(bytes: &Bytes) -> io::Result<Self> {
        let rest = without_header(bytes.clone())?.reader();
        let decoder = match SPARE.take() {
            None => DeflateDecoder::new(rest),
            Some(mut decoder) => {
                decoder.reset(rest);
                decoder
            }
        };
        Ok(Self { decoder: Some(decoder), crc: Crc::new() })
    }
}

impl Read for Gunzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else {
            return Ok(0);
        };
        let count = decoder.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            self.crc.update(&buffer[..count]);
            return Ok(count);
        }
        let mut trailer = [0; 8];
        decoder.get_mut().read_exact(&mut trailer)?;
        let (sum, bytes) = trailer.split_at(4);
        if sum != self.crc.sum().to_le_bytes() || bytes != self.crc.amount().to_le_bytes() {
            return Err(corrupt("corrupt gzip stream does not have a matching checksum"));
        }
        self.put_back();
        Ok(0)
    }
}

impl Gunzip {
    fn put_back(&mut self) {
        if let Some(mut decoder) = self.decoder.take() {
            decoder.reset(Bytes::new().reader());
            SPARE.set(Some(decoder));
        }
    }
}

impl Drop for Gunzip {
    fn drop(&mut self) {
        self.put_back();
    }
}

fn without_header(mut bytes: Bytes) -> io::Result<Bytes> {
    let whole = bytes.clone();
    let header = take(&mut bytes, HEADER_BYTES)?;
    let flags = header[3];
    if !header.starts_with(&MAGIC) || header[2] != DEFLATE || flags & RESERVED != 0 {
        return Err(corrupt("invalid gzip header"));
    }
    if flags & HAS_EXTRA != 0 {
        let length = take(&mut bytes, 2)?.get_u16_le();
        take(&mut bytes, length.into())?;
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let end = bytes.iter().position(|byte| *byte == 0);
            take(&mut bytes, end.ok_or(io::ErrorKind::UnexpectedEof)? + 1)?;
        }
    }
    if flags & HAS_CHECKSUM != 0 {
        let mut crc = Crc::new();
        crc.update(&whole[..whole.len() - bytes.len()]);
        let [low, high, ..] = crc.sum().to_le_bytes();
        if take(&mut bytes, 2)? != [low, high][..] {
            return Err(corrupt("corrupt gzip stream does not have a matching checksum"));
        }
    }
    Ok(bytes)
}

fn take(bytes: &mut Bytes, count: usize) -> io::Result<Bytes> {
    if bytes.len() < count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.split_to(count))
}

fn corrupt(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder};
    use std::io::Write as _;

    fn packed(text: &[u8]) -> Vec<u8> {
        let builder = GzBuilder::new().filename("name").comment("of it").extra([7; 300]);
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn both(bytes: &[u8]) -> [Result<Vec<u8>, (io::ErrorKind, String)>; 2] {
        let read = |reader: &mut dyn Read| {
            let mut text = Vec::new();
            let told = |error: io::Error| (error.kind(), error.to_string());
            reader.read_to_end(&mut text).map(|_| text).map_err(told)
        };
        let own = Gunzip::new(&Bytes::copy_from_slice(bytes));
        let told = |error: io::Error| (error.kind(), error.to_string());
        let own = own.map_err(told).and_then(|mut reader| read(&mut reader));
        [own, read(&mut flate2::read::GzDecoder::new(bytes))]
    }

    #[test]
    fn streams_whole_cut_and_broken_read_as_with_a_new_decoder() {
        let text: Vec<u8> = (0..5000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let whole = packed(&text);
        assert_eq!(both(&whole)[0].as_ref(), Ok(&text));
        // In the header each byte, in what follows some.
        for end in (0..400).chain((400..whole.len()).step_by(97)).chain([whole.len() - 1]) {
            let [own, other] = both(&whole[..end]);
            assert_eq!(own.map_err(|e| e.0), other.map_err(|e| e.0), "cut at {end}");
            let mut broken = whole.clone();
            broken[end] ^= 0x55;
            let [own, other] = both(&broken);
            assert_eq!(own, other, "broken at {end}");
        }
    }
}
