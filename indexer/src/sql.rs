//! Values of the chain in PostgreSQL's binary format: what COPY sends and what queries return.

use std::fmt;

use alloy::primitives::{Address, B256, U256};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef, Postgres};
use sqlx::types::BigDecimal;

/// Digits of PostgreSQL's `numeric` have base 10,000.
const NUMERIC_BASE: u64 = 10_000;

/// A value that can be a field of a binary COPY row. Unsigned integers of Solidity have one column type each:
/// `uint8` smallint, `uint16` int, `uint32` bigint, wider ones numeric.
pub(crate) trait Field: Sync {
    /// Appends the field's bytes without their length; false stands for null.
    fn put(&self, out: &mut Vec<u8>) -> bool;
}

/// Appends one field with its length, as COPY wants it.
pub(crate) fn put_field(field: &dyn Field, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let length = if field.put(out) {
        (out.len() - start - 4) as i32
    } else {
        -1
    };
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

macro_rules! big_endian {
    ($($from:ty => $to:ty),* $(,)?) => {
        $(impl Field for $from {
            fn put(&self, out: &mut Vec<u8>) -> bool {
                out.extend_from_slice(&<$to>::from(*self).to_be_bytes());
                true
            }
        })*
    };
}

big_endian!(i16 => i16, i32 => i32, i64 => i64, u8 => i16, u16 => i32, u32 => i64, f64 => f64);

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.push(u8::from(*self));
        true
    }
}

impl Field for Address {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.as_slice());
        true
    }
}

impl Field for B256 {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.as_slice());
        true
    }
}

impl Field for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self);
        true
    }
}

impl Field for &'static str {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.as_bytes());
        true
    }
}

impl Field for String {
    /// PostgreSQL's text cannot hold NUL, which anybody can put into a log.
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.replace('\0', "\u{fffd}").as_bytes());
        true
    }
}

impl Field for u64 {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        put_numeric(U256::from(*self), out);
        true
    }
}

impl Field for u128 {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        put_numeric(U256::from(*self), out);
        true
    }
}

impl Field for U256 {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        put_numeric(*self, out);
        true
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        self.as_ref().is_some_and(|value| value.put(out))
    }
}

// Types that an array names for its elements.
const BYTEA_OID: i32 = 17;
const BIGINT_OID: i32 = 20;
const FLOAT8_OID: i32 = 701;
const NUMERIC_OID: i32 = 1700;

macro_rules! array {
    ($($element:ty => $oid:expr),* $(,)?) => {
        $(impl Field for Vec<$element> {
            fn put(&self, out: &mut Vec<u8>) -> bool {
                put_array($oid, self, out);
                true
            }
        })*
    };
}

array!(u32 => BIGINT_OID, i64 => BIGINT_OID, f64 => FLOAT8_OID, Address => BYTEA_OID, U256 => NUMERIC_OID);

/// An array of one dimension whose first index is 1; of none when it is empty.
fn put_array<T: Field>(oid: i32, elements: &[T], out: &mut Vec<u8>) {
    let dimensions = i32::from(!elements.is_empty());
    for header in [dimensions, 0, oid] {
        out.extend_from_slice(&header.to_be_bytes());
    }
    if dimensions == 1 {
        out.extend_from_slice(&(elements.len() as i32).to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
    }
    for element in elements {
        put_field(element, out);
    }
}

/// Bits of `varbit`, the first leftmost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(pub(crate) Vec<bool>);

impl Field for Bits {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&(self.0.len() as i32).to_be_bytes());
        for byte in self.0.chunks(8) {
            out.push(
                byte.iter()
                    .enumerate()
                    .fold(0, |bits, (i, set)| bits | u8::from(*set) << (7 - i)),
            );
        }
        true
    }
}

fn put_numeric(value: U256, out: &mut Vec<u8>) {
    let mut digits = [0_i16; 20];
    let mut first = digits.len();
    let base = U256::from(NUMERIC_BASE);
    let mut wide = value;
    while wide > U256::from(u128::MAX) {
        let (quotient, digit) = wide.div_rem(base);
        first -= 1;
        digits[first] = digit.to::<u16>() as i16;
        wide = quotient;
    }
    let mut narrow = wide.to::<u128>();
    while narrow != 0 {
        first -= 1;
        digits[first] = (narrow % u128::from(NUMERIC_BASE)) as i16;
        narrow /= u128::from(NUMERIC_BASE);
    }
    // As the server itself has it, so that equal numbers are equal bytes: the weight counts digits that are not sent.
    let weight = (digits.len() - first) as i16 - 1;
    let last = digits
        .iter()
        .rposition(|digit| *digit != 0)
        .map_or(first, |last| last + 1);
    let digits = &digits[first..last];
    let (count, sign, scale) = (digits.len() as i16, 0_i16, 0_i16);
    for header in [count, weight.max(0), sign, scale] {
        out.extend_from_slice(&header.to_be_bytes());
    }
    for digit in digits {
        out.extend_from_slice(&digit.to_be_bytes());
    }
}

/// An unsigned integer of a `numeric` column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Uint(pub(crate) U256);

impl fmt::Display for Uint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Field for Uint {
    fn put(&self, out: &mut Vec<u8>) -> bool {
        self.0.put(out)
    }
}

impl sqlx::Type<Postgres> for Uint {
    fn type_info() -> PgTypeInfo {
        <BigDecimal as sqlx::Type<Postgres>>::type_info()
    }
}

impl sqlx::Decode<'_, Postgres> for Uint {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
            PgValueFormat::Binary => decode_numeric(value.as_bytes()?),
        }
    }
}

impl sqlx::Encode<'_, Postgres> for Uint {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        put_numeric(self.0, buffer);
        Ok(IsNull::No)
    }
}

pub(crate) fn decode_numeric(bytes: &[u8]) -> Result<Uint, BoxDynError> {
    let mut words = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let mut header = || words.next().ok_or("a numeric shorter than its header");
    let (count, weight, sign, _scale) = (header()?, header()?, header()?, header()?);
    if sign != 0 || (count != 0 && weight + 1 < count) {
        return Err("a numeric that is negative or has a fraction is no unsigned integer".into());
    }
    let base = U256::from(NUMERIC_BASE);
    let mut value = U256::ZERO;
    let digits = words
        .chain(std::iter::repeat(0))
        .take(if count == 0 { 0 } else { usize::try_from(weight + 1)? });
    for digit in digits {
        let shifted = value
            .checked_mul(base)
            .and_then(|shifted| shifted.checked_add(U256::from(digit as u16)));
        value = shifted.ok_or("a numeric does not fit in 256 bits")?;
    }
    Ok(Uint(value))
}

/// An address read from a `bytea` column of the domain `address`.
pub(crate) fn address(bytes: &[u8]) -> anyhow::Result<Address> {
    Ok(Address::try_from(bytes)?)
}

/// A word read from a `bytea` column of the domain `bytes32`.
pub(crate) fn bytes32(bytes: &[u8]) -> anyhow::Result<B256> {
    Ok(B256::try_from(bytes)?)
}
