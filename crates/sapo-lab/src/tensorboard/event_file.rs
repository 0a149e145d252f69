//! The bytes of TensorBoard's event files: protocol buffers (`Event` with `Summary` or `SessionLog`) in TFRecords.
//!
//! # Source
//! `tensorboard/compat/proto/event.proto` and `summary.proto`, and TensorFlow's `core/lib/io/record_writer.cc`.

/// What an event file holds, so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    pub(super) bytes: Vec<u8>,
}

impl Events {
    /// The beginning of a file.
    pub(super) fn begin(wall_time: f64) -> Self {
        let mut events = Self::default();
        let mut event = Message::default();
        event.double(1, wall_time).bytes(3, b"brain.Event:2");
        events.record(&event);
        events
    }

    /// What was read from other files up to here is to be forgotten.
    pub(super) fn start_anew(&mut self, wall_time: f64) {
        let (mut session, mut event) = (Message::default(), Message::default());
        session.varint(1, 1); // SessionLog.START
        event.double(1, wall_time).bytes(7, &session.0);
        self.record(&event);
    }

    /// One number of a curve.
    pub(super) fn scalar(&mut self, wall_time: f64, step: u64, tag: &str, value: f64) {
        let (mut number, mut summary, mut event) =
            (Message::default(), Message::default(), Message::default());
        number.bytes(1, tag.as_bytes()).float(2, value as f32);
        summary.bytes(1, &number.0);
        event.double(1, wall_time).varint(2, step).bytes(5, &summary.0);
        self.record(&event);
    }

    fn record(&mut self, event: &Message) {
        let length = (event.0.len() as u64).to_le_bytes();
        self.bytes.extend(length);
        self.bytes.extend(masked_crc(&length).to_le_bytes());
        self.bytes.extend(&event.0);
        self.bytes.extend(masked_crc(&event.0).to_le_bytes());
    }
}

/// CRC-32C, masked as TFRecords want it.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A protocol buffer, field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, field: u8, value: u64) -> &mut Self {
        self.0.push(field << 3);
        self.raw_varint(value);
        self
    }

    fn double(&mut self, field: u8, value: f64) -> &mut Self {
        self.0.push(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u8, value: &[u8]) -> &mut Self {
        self.0.push(field << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn float(&mut self, field: u8, value: f32) -> &mut Self {
        self.0.push(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that tensorboard 2.20.0 writes for the same events (scripts/tests/tensorboard_bytes.py).
    #[test]
    fn the_bytes_are_those_of_tensorboard() {
        let mut events = Events::begin(1.5);
        events.scalar(2.0, 300, "training/loss", 0.25);
        events.start_anew(2.5);
        let expected = include_str!("../../tests/fixtures/tensorboard_events.hex");
        assert_eq!(sapo_files::checksum::hexadecimal(&events.bytes), expected.trim());
    }
}
