-- One row per `VerifierBound` log: it judges receipts of this version that are served from this block's time on.
create table verifier_bound (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    publisher    address not null,
    model_id     bytes32 not null,
    version      bigint  not null,
    verifier     address not null,
    primary key (block_number, log_index)
);

create unique index on verifier_bound (model_id, version);
