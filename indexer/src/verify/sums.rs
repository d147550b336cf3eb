//! Derived rows that no contract can be asked for, against the facts that they are derived from; the facts are compared with
//! the chain's logs.

use anyhow::Context;
use futures::TryStreamExt;

use super::Check;

/// A value of a derived row, as it is stored and as the facts have it.
struct Derived {
    key: String,
    field: String,
    rows: String,
    derived: String,
}

macro_rules! compare {
    ($check:expr, $table:literal, $file:literal) => {{
        let check: &mut Check<'_> = $check;
        let (mut keys, mut last) = (0, String::new());
        let mut values = sqlx::query_file_as!(Derived, $file, check.block).fetch(&mut *check.db);
        while let Some(value) = values
            .try_next()
            .await
            .context(concat!("derive the rows of ", $table))?
        {
            check.tally.keys($table, 0, 1);
            // Values of one key come one after the other.
            keys += u64::from(value.key != last);
            last.clone_from(&value.key);
            if value.rows != value.derived {
                check
                    .tally
                    .differ($table, value.key, &value.field, value.rows, value.derived);
            }
        }
        drop(values);
        check.tally.keys_at_least($table, keys);
        check.report(concat!("sums of ", $table), 1, 1);
    }};
}

/// They are sums over all keys, so a sample does not make them less.
pub(super) async fn check(check: &mut Check<'_>) -> anyhow::Result<()> {
    compare!(check, "operator_account", "src/verify/sums/operator_account.sql");
    compare!(check, "operator_profile", "src/verify/sums/operator_profile.sql");
    compare!(check, "offering", "src/verify/sums/offering.sql");
    compare!(check, "channel_account", "src/verify/sums/channel_account.sql");
    compare!(check, "model_account", "src/verify/sums/model_account.sql");
    compare!(check, "credit_account", "src/verify/sums/credit_account.sql");
    compare!(check, "case_account", "src/verify/sums/case_account.sql");
    compare!(check, "pause_clock", "src/verify/sums/pause_clock.sql");
    compare!(check, "network_account", "src/verify/sums/network_account.sql");
    compare!(check, "flow", "src/verify/sums/flow.sql");
    compare!(check, "flow_total", "src/verify/sums/flow_total.sql");
    compare!(check, "operator_period", "src/verify/sums/operator_period.sql");
    compare!(check, "network_period", "src/verify/sums/network_period.sql");
    Ok(())
}
