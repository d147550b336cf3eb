-- The processor's table as its own code generator would make it; the driver applies it.
create table heartbeat (
    id           varchar primary key,
    block_number int4    not null,
    log_index    int4    not null,
    tx_hash      text    not null,
    tee_id       text    not null,
    timestamp    numeric not null
);
