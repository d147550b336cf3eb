-- Prices are fee-token base units for 1e18 stake-token base units. No rows where fees are paid in the stake token.

-- One row per `PriceObserved` log: an answer of the feed was written down.
create table price_observed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    price        uint256 not null,
    average      uint256 not null, -- time-weighted over the window
    complete     boolean not null, -- the average covers half of the window
    primary key (block_number, log_index)
);

-- One row per `FeedChanged` log; the previous feed and age are zero at deployment.
create table feed_changed (
    block_number     bigint  not null references block on delete cascade,
    log_index        int     not null,
    tx_hash          bytes32 not null,
    previous         address not null,
    feed             address not null,
    previous_max_age bigint  not null, -- seconds
    max_age          bigint  not null, -- seconds an answer may be old to admit new risk by
    primary key (block_number, log_index)
);

-- One row per `PriceOracleConfigured` log.
create table price_oracle_configured (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    stake_token  address not null,
    fee_token    address not null,
    time_window  bigint  not null, -- seconds that the average is over
    primary key (block_number, log_index)
);
