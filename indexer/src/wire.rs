//! Answers of an endpoint, read in place: numbers and hashes are decoded while parsing, nothing is copied.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, hex};
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use crate::chain::Header;

/// Topics that a log can have.
const MAX_TOPICS: usize = 4;

/// One answer of a batch.
#[derive(Deserialize)]
#[serde(bound(deserialize = "P: Deserialize<'de> + Default"))]
pub(crate) struct Answer<'a, P = Payload<'a>> {
    #[serde(default)]
    pub(crate) id: Option<u64>,
    #[serde(default)]
    pub(crate) result: P,
    #[serde(borrow, default)]
    pub(crate) error: Option<ErrorObject<'a>>,
}

/// Logs are a list and a block an object: the shape tells what was answered.
#[derive(Default)]
pub(crate) enum Payload<'a> {
    Logs(Vec<WireLog<'a>>),
    Header(Header),
    #[default]
    Null,
}

#[derive(Deserialize)]
pub(crate) struct ErrorObject<'a> {
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(borrow, default)]
    pub(crate) data: Option<&'a RawValue>,
}

/// The little that is needed of a transaction, so that kinds that only one chain has are read, too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTransaction {
    /// None while it is in no block.
    #[serde(deserialize_with = "optional_quantity")]
    pub(crate) block_number: Option<u64>,
    pub(crate) to: Option<Address>,
    pub(crate) input: Bytes,
}

/// A log whose data is still hexadecimal.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireLog<'a> {
    pub(crate) address: Address,
    pub(crate) topics: Topics,
    #[serde(borrow)]
    pub(crate) data: &'a str,
    #[serde(deserialize_with = "quantity")]
    pub(crate) block_number: u64,
    pub(crate) block_hash: B256,
    /// Newer clients spare a look at the header.
    #[serde(default, deserialize_with = "optional_quantity")]
    pub(crate) block_timestamp: Option<u64>,
    pub(crate) transaction_hash: B256,
    #[serde(deserialize_with = "quantity")]
    pub(crate) log_index: u64,
    #[serde(default)]
    pub(crate) removed: bool,
}

impl WireLog<'_> {
    /// Writes the data's bytes over what `bytes` held.
    pub(crate) fn decode_data(&self, bytes: &mut Vec<u8>) -> Result<(), hex::FromHexError> {
        let digits = self.data.strip_prefix("0x").unwrap_or(self.data);
        bytes.resize(digits.len() / 2, 0);
        hex::decode_to_slice(digits, bytes)
    }
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Topics {
    words: [B256; MAX_TOPICS],
    count: usize,
}

impl Topics {
    pub(crate) fn as_slice(&self) -> &[B256] {
        &self.words[..self.count]
    }
}

/// The answers of one HTTP body, which is a list unless one request alone was sent or the whole batch was refused.
pub(crate) fn parse<'a, P: Deserialize<'a> + Default>(body: &'a [u8]) -> Result<Vec<Answer<'a, P>>, serde_json::Error> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        serde_json::from_slice(body)
    } else {
        Ok(vec![serde_json::from_slice(body)?])
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Payload<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = Payload<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("logs or a block")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Payload::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut logs = Vec::new();
                while let Some(log) = list.next_element()? {
                    logs.push(log);
                }
                Ok(Payload::Logs(logs))
            }

            fn visit_map<A: MapAccess<'de>>(self, block: A) -> Result<Self::Value, A::Error> {
                let block = WireHeader::deserialize(de::value::MapAccessDeserializer::new(block))?;
                Ok(Payload::Header(Header {
                    number: block.number,
                    hash: block.hash,
                    timestamp: block.timestamp,
                }))
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

#[derive(Deserialize)]
struct WireHeader {
    #[serde(deserialize_with = "quantity")]
    number: u64,
    hash: B256,
    #[serde(deserialize_with = "quantity")]
    timestamp: u64,
}

impl<'de> Deserialize<'de> for Topics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Topics;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "up to {MAX_TOPICS} topics")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Topics, A::Error> {
                let mut topics = Topics::default();
                while topics.count < MAX_TOPICS {
                    let Some(word) = list.next_element()? else {
                        return Ok(topics);
                    };
                    topics.words[topics.count] = word;
                    topics.count += 1;
                }
                match list.next_element::<IgnoredAny>()? {
                    None => Ok(topics),
                    Some(_) => Err(A::Error::invalid_length(MAX_TOPICS + 1, &self)),
                }
            }
        }
        deserializer.deserialize_seq(List)
    }
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = <&str>::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|error| D::Error::custom(format!("{text:?} is no quantity: {error}")))
}

fn optional_quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<&str>::deserialize(deserializer)? {
        None => Ok(None),
        Some(text) => quantity(de::value::BorrowedStrDeserializer::new(text)).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"address":"0x00000000000000000000000000000000000000aa","topics":["0x0000000000000000000000000000000000000000000000000000000000000001"],"data":"0x0102","blockHash":"0x0000000000000000000000000000000000000000000000000000000000000002","blockNumber":"0x10","blockTimestamp":"0x64","transactionHash":"0x0000000000000000000000000000000000000000000000000000000000000003","transactionIndex":"0x0","logIndex":"0x5","removed":false}"#;

    #[test]
    fn logs_a_block_and_an_error_are_read_from_one_body() {
        let block = r#"{"number":"0x10","hash":"0x0000000000000000000000000000000000000000000000000000000000000002","timestamp":"0x64","transactions":["0x00"],"extra":{"a":[1]}}"#;
        let body = format!(
            r#" [{{"jsonrpc":"2.0","id":1,"result":{block}}},{{"id":0,"result":[{LOG}]}},{{"id":2,"result":null}},{{"id":3,"error":{{"code":-32005,"message":"much","data":{{"to":"0x1"}}}}}}]"#
        );
        let answers: Vec<Answer<'_>> = parse(body.as_bytes()).unwrap();
        let Payload::Header(header) = answers[0].result else {
            panic!()
        };
        assert_eq!((header.number, header.timestamp), (16, 100));
        let Payload::Logs(logs) = &answers[1].result else {
            panic!()
        };
        assert_eq!(
            (logs[0].block_number, logs[0].block_timestamp, logs[0].log_index),
            (16, Some(100), 5)
        );
        assert_eq!(logs[0].topics.as_slice().len(), 1);
        let mut data = vec![9; 7];
        logs[0].decode_data(&mut data).unwrap();
        assert_eq!(data, [1, 2]);
        assert!(matches!(answers[2].result, Payload::Null));
        assert_eq!(answers[3].error.as_ref().unwrap().code, -32005);
    }

    #[test]
    fn a_log_that_is_not_whole_or_not_hexadecimal_is_no_log() {
        let cut = LOG.replace(r#""logIndex":"0x5","#, "");
        let pending = LOG.replace(r#""0x10""#, "null");
        let five = LOG.replace(
            r#""topics":["#,
            &format!(
                r#""topics":[{0},{0},{0},{0},"#,
                r#""0x0000000000000000000000000000000000000000000000000000000000000001""#
            ),
        );
        for broken in [cut, pending, five, LOG.replace("0x5\"", "5z\"")] {
            assert!(
                parse::<Payload<'_>>(format!(r#"{{"id":0,"result":[{broken}]}}"#).as_bytes()).is_err(),
                "{broken}"
            );
        }
        let odd = LOG.replace("0x0102", "0x01zz");
        let body = format!(r#"{{"id":0,"result":[{odd}]}}"#);
        let answers: Vec<Answer<'_>> = parse(body.as_bytes()).unwrap();
        let Payload::Logs(logs) = &answers[0].result else {
            panic!()
        };
        assert!(logs[0].decode_data(&mut Vec::new()).is_err());
    }
}
