//! What answers are made of: addresses, hashes, amounts, times and ratios, exact from the column to the JSON.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use alloy::primitives;
use bigdecimal::{BigDecimal, ToPrimitive as _, Zero as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sqlx::Postgres;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// Last second of the year 9999, the last that RFC 3339 can write; later times are written as this one.
const LAST_SECOND: i64 = 253_402_300_799;

/// An account, with the checksum of EIP-55.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$", example = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")]
pub(crate) struct Address(primitives::Address);

impl Address {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The contracts write "none" as the zero address.
    pub(crate) fn nonzero(self) -> Option<Self> {
        (!self.0.is_zero()).then_some(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_checksum(None))
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || "an address is 0x and 40 hex digits".to_owned();
        let digits = text.strip_prefix("0x").ok_or_else(malformed)?;
        let address: primitives::Address = digits.parse().map_err(|_| malformed())?;
        let one_case =
            !digits.contains(|c: char| c.is_ascii_lowercase()) || !digits.contains(|c: char| c.is_ascii_uppercase());
        let checksummed = address.to_checksum(None);
        if one_case || checksummed == text {
            Ok(Self(address))
        } else {
            Err(format!(
                "the checksum (EIP-55) does not match, a letter is wrong; without a typo it is {checksummed}"
            ))
        }
    }
}

/// 32 bytes as 0x and 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
pub(crate) struct Hash(primitives::B256);

impl Hash {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The contracts write "none" as zero.
    pub(crate) fn nonzero(self) -> Option<Self> {
        (!self.0.is_zero()).then_some(self)
    }

    /// A label of up to 32 ASCII characters that was padded with zeros; as hex when it is something else.
    pub(crate) fn label(&self) -> String {
        let end = self.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        match std::str::from_utf8(&self.0[..end]) {
            Ok(text) if text.chars().all(|c| c.is_ascii_graphic()) => text.to_owned(),
            Ok(_) | Err(_) => self.to_string(),
        }
    }

    /// The inverse of [`Self::label`].
    pub(crate) fn from_label(label: &str) -> Option<Self> {
        if let Ok(hash) = label.parse() {
            return Some(hash);
        }
        let mut bytes = [0; 32];
        bytes.get_mut(..label.len())?.copy_from_slice(label.as_bytes());
        Some(Self(bytes.into()))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").and_then(|digits| digits.parse().ok());
        digits
            .map(Self)
            .ok_or_else(|| "a hash is 0x and 64 hex digits".to_owned())
    }
}

/// An address, the id of a model, or the number of a case as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Address(Address),
    Word(Hash),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self::Address)
    }
}

impl utoipa::PartialSchema for Account {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^0x([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$"))
            .description(Some(
                "An address, the id of a model, or the number of a case as a word.",
            ))
            .into()
    }
}

impl ToSchema for Account {}

macro_rules! bytes_column {
    ($type:ty, $bytes:ident => $decode:expr) => {
        impl sqlx::Type<Postgres> for $type {
            fn type_info() -> PgTypeInfo {
                <[u8] as sqlx::Type<Postgres>>::type_info()
            }
        }

        impl<'r> sqlx::Decode<'r, Postgres> for $type {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let $bytes = <&[u8] as sqlx::Decode<Postgres>>::decode(value)?;
                Ok($decode)
            }
        }
    };
}

macro_rules! text_value {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer)?
                    .parse()
                    .map_err(D::Error::custom)
            }
        }
    };
}

bytes_column!(Address, bytes => Self(primitives::Address::try_from(bytes)?));
bytes_column!(Hash, bytes => Self(primitives::B256::try_from(bytes)?));
bytes_column!(Account, bytes => match bytes.len() {
    20 => Self::Address(Address(primitives::Address::try_from(bytes)?)),
    _ => Self::Word(Hash(primitives::B256::try_from(bytes)?)),
});
text_value!(Address);
text_value!(Hash);
text_value!(Account);
text_value!(Amount);
text_value!(Timestamp);

/// An unsigned integer of up to 256 bits and more, as a decimal string: base units of a token, units of inference.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = String, pattern = "^[0-9]+$", example = "1000000000000000000")]
pub(crate) struct Amount(BigDecimal);

impl Amount {
    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

impl From<u64> for Amount {
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its own format turns to powers of ten for long numbers, and pads a zero that came of a subtraction.
        if self.is_zero() {
            f.write_str("0")
        } else {
            f.write_str(&self.0.to_plain_string())
        }
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| "an amount is a decimal number".to_owned())
    }
}

impl std::ops::AddAssign<&Amount> for Amount {
    fn add_assign(&mut self, other: &Amount) {
        self.0 += &other.0;
    }
}

impl std::ops::Sub for &Amount {
    type Output = Amount;

    fn sub(self, other: &Amount) -> Amount {
        Amount(&self.0 - &other.0)
    }
}

impl sqlx::Encode<'_, Postgres> for Address {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&[u8] as sqlx::Encode<Postgres>>::encode(self.as_bytes(), buffer)
    }
}

/// The number of a case or a batch, as the contracts count.
#[derive(Clone, Debug)]
pub(crate) struct Number(pub(crate) Amount);

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // As many digits as 256 bits have.
        const MAX_DIGITS: usize = 78;
        let whole = text.len() <= MAX_DIGITS && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = whole.then(|| text.parse().ok()).flatten();
        number.map(Self).ok_or_else(|| "it is a whole number from 1".to_owned())
    }
}

/// A time in UTC as RFC 3339 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::Type, ToSchema)]
#[sqlx(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-11-20T12:00:00Z")]
pub(crate) struct Timestamp(i64);

impl Timestamp {
    pub(crate) fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, LAST_SECOND))
    }

    pub(crate) fn unix(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp(self.0.min(LAST_SECOND)).map_err(|_| fmt::Error)?;
        f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| "a time is written as in RFC 3339, 2026-11-20T12:00:00Z; a + in it as %2B".to_owned())?;
        let seconds = time.unix_timestamp();
        if seconds < 0 {
            Err("times begin with 1970".to_owned())
        } else {
            Ok(Self(seconds))
        }
    }
}

/// A share of counted things; `value` is null when there was nothing to count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Ratio {
    #[schema(example = 0.995)]
    pub value: Option<f64>,
    pub numerator: i64,
    pub denominator: i64,
}

impl Ratio {
    pub(crate) fn new(numerator: i64, denominator: i64) -> Self {
        let value = (denominator != 0).then(|| numerator as f64 / denominator as f64);
        Self {
            value,
            numerator,
            denominator,
        }
    }
}

/// A share of an amount; `value` is null when the whole is zero.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Share {
    #[schema(example = 0.12)]
    pub value: Option<f64>,
    pub numerator: Amount,
    pub denominator: Amount,
}

impl Share {
    pub(crate) fn new(numerator: Amount, denominator: Amount) -> Self {
        let value = if denominator.is_zero() {
            None
        } else {
            numerator
                .0
                .to_f64()
                .zip(denominator.0.to_f64())
                .map(|(part, whole)| part / whole)
        };
        Self {
            value,
            numerator,
            denominator,
        }
    }
}

/// A token as the indexer read it from the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Token {
    /// The token's contract.
    pub address: Address,
    pub symbol: String,
    /// An amount of base units divided by ten to this power is the amount in whole tokens.
    pub decimals: i16,
}

/// An amount in base units of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TokenAmount {
    pub(crate) amount: Amount,
    /// The token's contract.
    pub(crate) token: Address,
    pub(crate) symbol: String,
    /// The amount divided by ten to this power is the amount in whole tokens.
    pub(crate) decimals: i16,
}

impl TokenAmount {
    pub(crate) fn new(amount: Amount, token: &Token) -> Self {
        Self {
            amount,
            token: token.address,
            symbol: token.symbol.clone(),
            decimals: token.decimals,
        }
    }
}
