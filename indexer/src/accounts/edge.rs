//! Totals of token flows per edge between account classes.

use alloy::primitives::Address;
use sqlx::PgConnection;

use super::Running;
use crate::flow::Kind;
use crate::rows::{Rows, row};
use crate::sql::Uint;

/// Movements of one kind from one class of accounts to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) token: Address,
    pub(crate) kind: Kind,
    pub(crate) from_class: &'static str,
    pub(crate) to_class: &'static str,
}

#[derive(Default)]
pub(crate) struct EdgeTotal {
    pub(crate) amount: Uint,
    pub(crate) movements: i64,
}

impl Running for EdgeTotal {
    type Key = Edge;

    async fn load(db: &mut PgConnection, edge: Edge, until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select amount as "amount: Uint", movements
               from flow_total where token = $1 and kind = $2 and from_class = $3 and to_class = $4
                     and block_number <= $5
               order by block_number desc limit 1"#,
            edge.token.as_slice(),
            edge.kind.as_str(),
            edge.from_class,
            edge.to_class,
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, edge: Edge, block_number: i64, rows: &mut Rows) {
        row! { rows, flow_total {
            block_number, token: edge.token, kind: edge.kind.as_str(), from_class: edge.from_class,
            to_class: edge.to_class, amount: self.amount, movements: self.movements,
        } }
    }
}
