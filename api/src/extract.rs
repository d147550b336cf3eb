//! Parameters from the path and the query, read strictly: what is unknown, repeated or malformed is refused by name.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// The one part of a path that varies.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err = String> + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let unreadable = || Error::InvalidParameter {
            name: "id",
            reason: "the path is not UTF-8".to_owned(),
        };
        let raw = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| unreadable())?;
        let (name, value) = raw.iter().next().ok_or(Error::UnknownPath)?;
        let name = ["n", "address", "dataset"]
            .into_iter()
            .find(|known| *known == name)
            .unwrap_or("id");
        value.parse().map(Self).map_err(|reason| Error::InvalidParameter {
            name,
            reason: format!("`{name}` is `{value}`: {reason}"),
        })
    }
}

/// The query's parameters, taken one by one; what is left at the end is unknown.
pub(crate) struct Fields {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Fields {
    pub(crate) fn of(uri: &Uri) -> Result<Self> {
        let malformed = |_| Error::InvalidParameter {
            name: "query",
            reason: "the query is not of the form name=value&name=value in UTF-8".to_owned(),
        };
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(malformed)?
            .0;
        Ok(Self {
            pairs,
            known: Vec::new(),
        })
    }

    /// Everything that decides what the answer is about: all but where a page begins and how long it is.
    pub(crate) fn filters(&self) -> Vec<(&str, &str)> {
        let pairs = self
            .pairs
            .iter()
            .filter(|(name, _)| name != "cursor" && name != "limit");
        let mut filters: Vec<(&str, &str)> = pairs.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        filters.sort_unstable();
        filters
    }

    /// Takes a parameter that may be left out.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>> {
        self.known.push(name);
        let mut found = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let Some(value) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(Error::InvalidParameter {
                name,
                reason: format!("`{name}` is given more than once"),
            });
        }
        let deserializer: StrDeserializer<'_, ValueError> = value.as_str().into_deserializer();
        let parsed = T::deserialize(deserializer).map_err(|error| Error::InvalidParameter {
            name,
            reason: format!("`{name}` is `{value}`: {error}"),
        })?;
        Ok(Some(parsed))
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<()> {
        match self
            .pairs
            .into_iter()
            .find(|(name, _)| !self.known.contains(&name.as_str()))
        {
            Some((name, _)) => Err(Error::UnknownParameter {
                name,
                allowed: self.known,
            }),
            None => Ok(()),
        }
    }
}

/// The parameters of a path, beside those that every path of its kind takes.
pub(crate) trait Parameters: Sized + Send {
    /// Answers with pages: takes `limit` and `cursor`.
    const PAGED: bool;
    /// Only finalized blocks count unless `finalized=false` is asked for.
    const HISTORY: bool;

    fn read(fields: &mut Fields) -> Result<Self>;
}

/// `true` or `false`.
#[derive(Clone, Copy)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(serde::de::Error::custom("it is either true or false")),
        }
    }
}

/// Length of a page.
#[derive(Clone, Copy)]
pub(crate) struct Limit(u8);

impl Limit {
    pub(crate) const MAX: u8 = 200;

    pub(crate) fn rows(self) -> usize {
        self.0.into()
    }

    /// One row more than the page holds tells whether there is a next page.
    pub(crate) fn probe(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let limit = String::deserialize(deserializer)?.parse().ok();
        let limit = limit.filter(|limit| (1..=Self::MAX).contains(limit));
        limit
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("a limit is a whole number from 1 to {}", Self::MAX)))
    }
}

/// Order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    Asc,
    #[default]
    Desc,
}
