//! Which stream each byte of an HTTP/2 connection belongs to. Pure: bytes in, charges out.
//!
//! It reads only frame heads (RFC 9113, 4.1): length, type, flags and stream. It ignores the payload of frames.

use crate::net::preface::PREFACE;

const HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// The stream on which SETTINGS, PING, GOAWAY and the connection's WINDOW_UPDATE travel.
pub const CONNECTION: u32 = 0;

/// Bytes that belong to one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// [`CONNECTION`] for bytes that belong to the connection.
    pub stream: u32,
    pub bytes: u64,
    /// Whether the bytes are of a HEADERS frame, which may open the stream.
    pub is_headers: bool,
    /// Whether the sender's side of the stream ends with these bytes.
    pub ended: bool,
    /// Whether the sender resets the stream with these bytes.
    pub reset: bool,
}

/// One direction of a connection.
#[derive(Debug)]
pub struct FrameParser {
    /// The remaining bytes of the preface.
    preface: usize,
    head: [u8; HEAD_BYTES],
    head_len: usize,
    /// The remaining bytes of the present frame's payload.
    payload: usize,
    stream: u32,
    kind: u8,
    /// Whether the stream ends with the present frame.
    ends: bool,
    /// Whether a HEADERS frame ended its stream, but its header block continues in CONTINUATION frames.
    ends_after_headers: bool,
    /// Overhead of TLS records whose first byte is part of a head that is not complete yet.
    pending_overhead: u64,
}

impl FrameParser {
    /// The direction that begins with the client's preface.
    pub fn from_client() -> Self {
        Self {
            preface: PREFACE.len(),
            ..Self::from_server()
        }
    }

    pub fn from_server() -> Self {
        Self {
            preface: 0,
            head: [0; HEAD_BYTES],
            head_len: 0,
            payload: 0,
            stream: CONNECTION,
            kind: DATA,
            ends: false,
            ends_after_headers: false,
            pending_overhead: 0,
        }
    }

    /// Takes the next bytes, all of one TLS record, and `overhead`, the bytes that the record adds to them. The
    /// overhead is charged to the stream of the record's first byte.
    pub fn advance(&mut self, mut bytes: &[u8], overhead: u64, charge: &mut impl FnMut(Charge)) {
        self.pending_overhead += overhead;
        if self.preface > 0 {
            let taken = bytes.len().min(self.preface);
            self.preface -= taken;
            bytes = &bytes[taken..];
            self.emit(CONNECTION, taken as u64, false, charge);
        }
        while !bytes.is_empty() {
            if self.payload == 0 {
                let taken = bytes.len().min(HEAD_BYTES - self.head_len);
                self.head[self.head_len..][..taken].copy_from_slice(&bytes[..taken]);
                self.head_len += taken;
                bytes = &bytes[taken..];
                if self.head_len == HEAD_BYTES {
                    self.start_frame();
                    let ended = self.payload == 0 && self.ends;
                    self.emit(self.stream, HEAD_BYTES as u64, ended, charge);
                }
            } else {
                let taken = bytes.len().min(self.payload);
                self.payload -= taken;
                bytes = &bytes[taken..];
                let ended = self.payload == 0 && self.ends;
                self.emit(self.stream, taken as u64, ended, charge);
            }
        }
    }

    fn start_frame(&mut self) {
        self.head_len = 0;
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = self.head;
        self.payload = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        self.stream = u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]);
        self.kind = kind;
        self.ends = match kind {
            DATA => flags & END_STREAM != 0,
            HEADERS if flags & END_HEADERS == 0 => {
                self.ends_after_headers = flags & END_STREAM != 0;
                false
            }
            HEADERS => flags & END_STREAM != 0,
            CONTINUATION if flags & END_HEADERS != 0 => {
                std::mem::take(&mut self.ends_after_headers)
            }
            RST_STREAM => true,
            _ => false,
        };
    }

    fn emit(&mut self, stream: u32, bytes: u64, ended: bool, charge: &mut impl FnMut(Charge)) {
        let bytes = bytes + std::mem::take(&mut self.pending_overhead);
        charge(Charge {
            stream,
            bytes,
            is_headers: self.kind == HEADERS,
            ended,
            reset: ended && self.kind == RST_STREAM,
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: usize) -> Vec<u8> {
        let mut bytes = (payload as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.resize(bytes.len() + payload, 0xaa);
        bytes
    }

    /// The total of each stream, and the streams that ended, in order.
    fn totals(parser: &mut FrameParser, pieces: &[&[u8]]) -> (Vec<(u32, u64)>, Vec<u32>) {
        let (mut totals, mut ended) = (std::collections::BTreeMap::new(), Vec::new());
        for piece in pieces {
            parser.advance(piece, 0, &mut |charge| {
                *totals.entry(charge.stream).or_insert(0) += charge.bytes;
                if charge.ended {
                    ended.push(charge.stream);
                }
            });
        }
        (totals.into_iter().collect(), ended)
    }

    #[test]
    fn each_byte_belongs_to_the_stream_of_its_frame() {
        let bytes = [
            PREFACE.to_vec(),
            frame(4, 0, 0, 12),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, 30),
            frame(HEADERS, END_HEADERS, 3, 40),
            frame(DATA, 0, 3, 5),
            frame(DATA, END_STREAM, 3, 0),
        ]
        .concat();
        let mut parser = FrameParser::from_client();
        let (totals, ended) = totals(&mut parser, &[&bytes]);
        assert_eq!(totals, [(0, 24 + 21), (1, 39), (3, 49 + 14 + 9)]);
        assert_eq!(ended, [1, 3]);
    }

    #[test]
    fn a_header_block_in_several_frames_ends_its_stream_with_the_last() {
        let first = frame(HEADERS, END_STREAM, 5, 10);
        let last = frame(CONTINUATION, END_HEADERS, 5, 3);
        let mut parser = FrameParser::from_server();
        assert_eq!(totals(&mut parser, &[&first]).1, [0_u32; 0]);
        assert_eq!(totals(&mut parser, &[&last]).1, [5]);
    }

    #[test]
    fn a_records_overhead_is_charged_to_the_stream_of_its_first_byte() {
        let bytes = [frame(DATA, 0, 1, 2), frame(DATA, 0, 3, 2)].concat();
        let mut parser = FrameParser::from_server();
        let mut charges = Vec::new();
        // The first record ends within the head of the second frame, where the second begins.
        parser.advance(&bytes[..14], 22, &mut |charge| charges.push(charge));
        parser.advance(&bytes[14..], 22, &mut |charge| charges.push(charge));
        let of = |stream| -> u64 {
            let own = charges.iter().filter(|charge| charge.stream == stream);
            own.map(|charge| charge.bytes).sum()
        };
        assert_eq!((of(1), of(3)), (11 + 22, 11 + 22));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_no_total(
            frames in prop::collection::vec((0_u8..10, any::<u8>(), 0_u32..5, 0_usize..50), 1..20),
            cuts in prop::collection::vec(1_usize..40, 1..60),
        ) {
            let bytes: Vec<u8> = frames.iter()
                .flat_map(|&(kind, flags, stream, payload)| frame(kind, flags, stream, payload))
                .collect();
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, later) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = later;
            }
            let whole = totals(&mut FrameParser::from_server(), &[&bytes]);
            prop_assert_eq!(whole, totals(&mut FrameParser::from_server(), &pieces));
        }
    }
}
