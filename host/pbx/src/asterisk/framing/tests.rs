use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Greeting(Vec<u8>),
    Message(Vec<u8>),
    Skipped(Excess, usize),
}

fn decode<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Piece> {
    let mut decoder = Decoder::default();
    let mut pieces = Vec::new();
    for read in reads {
        decoder.feed(read);
        while let Some(frame) = decoder.next() {
            pieces.push(match frame {
                Frame::Greeting(line) => Piece::Greeting(line.to_vec()),
                Frame::Message(lines) => Piece::Message(lines.to_vec()),
                Frame::Skipped(why, bytes) => Piece::Skipped(why, bytes),
            });
        }
        assert!(decoder.buffer.len() <= MAX_MESSAGE + read.len() + MAX_LINE + 2, "the buffer is bounded");
    }
    pieces
}

fn message(text: &[u8]) -> Piece {
    Piece::Message(text.to_vec())
}

#[test]
fn the_greeting_is_a_line_and_not_a_message() {
    assert_eq!(
        decode([b"Asterisk Call Manager/11.0.0\r\nEvent: A\r\n\r\n".as_slice()]),
        [Piece::Greeting(b"Asterisk Call Manager/11.0.0".to_vec()), message(b"Event: A\r\n")]
    );
}

#[test]
fn a_stream_may_begin_with_a_message() {
    assert_eq!(
        decode([b"Event: A\r\nx\r\n\r\nEvent: B\n\n".as_slice()]),
        [message(b"Event: A\r\nx\r\n"), message(b"Event: B\n")]
    );
}

#[test]
fn a_line_of_ten_megabytes_costs_one_message_and_no_memory() {
    let mut stream = b"Event: A\r\n\r\nEvent: B\r\nValue: ".to_vec();
    stream.extend(std::iter::repeat_n(b'x', 10 << 20));
    stream.extend(b"\r\nMore: y\r\n\r\nEvent: C\r\n\r\n");
    let pieces = decode(stream.chunks(8192));
    assert_eq!(pieces.first(), Some(&message(b"Event: A\r\n")));
    assert!(matches!(pieces.get(1), Some(Piece::Skipped(Excess::Line, bytes)) if *bytes > 10 << 20));
    assert_eq!(pieces.get(2..), Some([message(b"Event: C\r\n")].as_slice()));
    assert_eq!(pieces, decode([stream.as_slice()]), "the read boundaries make no difference");
}

#[test]
fn an_endless_message_is_thrown_away() {
    let mut stream = b"Output: some line\r\n".repeat(MAX_MESSAGE / 10);
    stream.extend(b"\r\nEvent: C\r\n\r\n");
    let pieces = decode(stream.chunks(1000));
    assert!(matches!(pieces.first(), Some(Piece::Skipped(Excess::Message, _))));
    assert_eq!(pieces.get(1..), Some([message(b"Event: C\r\n")].as_slice()));
}

/// Bytes that look like AMI more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        4 => Just(b"Event: Hangup".to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (MAX_LINE - 2..MAX_LINE + 4).prop_map(|length| vec![b'x'; length]),
        1 => Just(b"Value: abcdefgh\r\n".repeat(MAX_MESSAGE / 17)),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_any_bytes_gives_the_same_pieces(bytes in stream(), cuts in proptest::collection::vec(1_usize..5000, 1..40)) {
        let mut reads = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (read, tail) = rest.split_at(rest.len().min(*cut));
            reads.push(read);
            rest = tail;
        }
        prop_assert_eq!(decode(reads), decode([bytes.as_slice()]));
    }

    #[test]
    fn any_bytes_one_by_one_give_the_same_pieces(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), any::<u8>()], 0..300)) {
        prop_assert_eq!(decode(bytes.chunks(1)), decode([bytes.as_slice()]));
    }
}
