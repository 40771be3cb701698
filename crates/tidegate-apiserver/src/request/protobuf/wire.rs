//! The protobuf wire format: a row of numbered fields.

use super::ProtobufError;

/// The content of one field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Content<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Takes the first field off the front of a message.
pub(super) fn next_field<'a>(
    message: &mut &'a [u8],
) -> Result<Option<(u32, Content<'a>)>, ProtobufError> {
    if message.is_empty() {
        return Ok(None);
    }
    let tag = varint(message)?;
    let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::Malformed)?;
    let content = match tag & 7 {
        0 => Content::Number(varint(message)?),
        1 => Content::Bytes(take(message, 8)?),
        2 => {
            let length = varint(message)?;
            Content::Bytes(take(message, length)?)
        }
        5 => Content::Bytes(take(message, 4)?),
        _ => return Err(ProtobufError::Malformed),
    };
    Ok(Some((number, content)))
}

fn varint(message: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().ok_or(ProtobufError::Malformed)?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ProtobufError::Malformed)
}

fn take<'a>(message: &mut &'a [u8], length: u64) -> Result<&'a [u8], ProtobufError> {
    let length = usize::try_from(length).map_err(|_| ProtobufError::Malformed)?;
    let (taken, rest) = message
        .split_at_checked(length)
        .ok_or(ProtobufError::Malformed)?;
    *message = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_one_by_one() {
        let mut message: &[u8] = &[0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i'];
        assert_eq!(
            next_field(&mut message),
            Ok(Some((1, Content::Number(150))))
        );
        assert_eq!(
            next_field(&mut message),
            Ok(Some((2, Content::Bytes(b"hi"))))
        );
        assert_eq!(next_field(&mut message), Ok(None));
    }

    #[test]
    fn a_length_beyond_the_end_is_malformed() {
        assert_eq!(
            next_field(&mut &[0x12, 0x05, b'x'][..]),
            Err(ProtobufError::Malformed)
        );
    }
}
