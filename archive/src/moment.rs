//! Moments as archives have them: in the old form of MS-DOS, which ends in 2107
//! and counts in steps of two seconds, and in the extra field that says it to the second.

use time::OffsetDateTime;

/// The extra field "extended timestamp".
const EXTENDED: u16 = 0x5455;

/// Time and date in the form of MS-DOS, in UTC; the nearest it can say.
pub(crate) fn dos(unix_seconds: i64) -> (u16, u16) {
    let Ok(moment) = OffsetDateTime::from_unix_timestamp(unix_seconds) else {
        return (0, 0x21);
    };
    let year = match moment.year() {
        ..1980 => return (0, 0x21),
        year @ 1980..=2107 => u16::try_from(year - 1980).unwrap_or(0),
        _ => return (0xbf7d, 0xff9f),
    };
    let time = (u16::from(moment.hour()) << 11)
        | (u16::from(moment.minute()) << 5)
        | u16::from(moment.second() / 2);
    let date = (year << 9) | (u16::from(u8::from(moment.month())) << 5) | u16::from(moment.day());
    (time, date)
}

/// The extra field for a moment, if it can say it: 32 bits, signed.
pub(crate) fn extended(unix_seconds: i64) -> Vec<u8> {
    let Ok(seconds) = i32::try_from(unix_seconds) else {
        return Vec::new();
    };
    let mut field = Vec::with_capacity(9);
    field.extend(EXTENDED.to_le_bytes());
    field.extend(5_u16.to_le_bytes());
    // Only the time of modification follows.
    field.push(1);
    field.extend(seconds.to_le_bytes());
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_outside_of_what_can_be_said_are_its_ends() {
        // 2021-02-03 04:05:07 UTC
        assert_eq!(
            dos(1_612_325_107),
            ((4 << 11) | (5 << 5) | 3, (41 << 9) | (2 << 5) | 3)
        );
        assert_eq!(dos(0), (0, 0x21));
        assert_eq!(dos(i64::MAX), (0, 0x21));
        assert_eq!(dos(5_000_000_000).1, 0xff9f);
    }
}
