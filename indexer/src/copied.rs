//! Rows of a binary COPY, read where they lie: a period has as many as it has heartbeats.

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use sqlx::PgConnection;

use crate::rows::COPY_HEADER;

/// The fields of one row, one after the other; all of them are to be taken.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    left: i16,
}

/// Hands every row of a query to `take`.
pub(crate) async fn each(
    db: &mut PgConnection,
    query: &str,
    mut take: impl FnMut(&mut Fields<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut messages = db.copy_out_raw(&format!("copy ({query}) to stdout binary")).await?;
    while let Some(message) = messages.try_next().await? {
        rows(message.strip_prefix(COPY_HEADER).unwrap_or(&message), &mut take)?;
    }
    Ok(())
}

/// Hands every row of a part of a COPY without its header to `take`.
pub(crate) fn rows<'a>(
    data: &'a [u8],
    mut take: impl FnMut(&mut Fields<'a>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut fields = Fields { rest: data, left: 0 };
    while !fields.rest.is_empty() {
        fields.left = i16::from_be_bytes(fields.array()?);
        // At the end comes a row of -1 fields.
        if fields.left >= 0 {
            take(&mut fields)?;
            ensure!(
                fields.left == 0,
                "a row has {} fields more than were asked for",
                fields.left
            );
        }
    }
    Ok(())
}

impl<'a> Fields<'a> {
    pub(crate) fn bigint(&mut self) -> anyhow::Result<i64> {
        self.optional_bigint()?.context("a bigint is null")
    }

    pub(crate) fn optional_bigint(&mut self) -> anyhow::Result<Option<i64>> {
        let bytes = self.optional_bytes()?;
        Ok(bytes.map(TryInto::try_into).transpose()?.map(i64::from_be_bytes))
    }

    pub(crate) fn int(&mut self) -> anyhow::Result<i32> {
        self.optional_int()?.context("an int is null")
    }

    pub(crate) fn optional_int(&mut self) -> anyhow::Result<Option<i32>> {
        let bytes = self.optional_bytes()?;
        Ok(bytes.map(TryInto::try_into).transpose()?.map(i32::from_be_bytes))
    }

    pub(crate) fn bytes(&mut self) -> anyhow::Result<&'a [u8]> {
        self.optional_bytes()?.context("a bytea is null")
    }

    pub(crate) fn optional_bytes(&mut self) -> anyhow::Result<Option<&'a [u8]>> {
        ensure!(self.left > 0, "a row has fewer fields than were asked for");
        self.left -= 1;
        let length = i32::from_be_bytes(self.array()?);
        // A negative length is that of null.
        usize::try_from(length)
            .ok()
            .map(|length| self.split(length))
            .transpose()
    }

    fn array<const N: usize>(&mut self) -> anyhow::Result<[u8; N]> {
        Ok(self.split(N)?.try_into()?)
    }

    fn split(&mut self, length: usize) -> anyhow::Result<&'a [u8]> {
        let (field, rest) = self.rest.split_at_checked(length).context("a row is cut off")?;
        self.rest = rest;
        Ok(field)
    }
}
