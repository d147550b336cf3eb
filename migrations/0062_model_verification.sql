-- Units of a model in the batches whose audit was opened in a period, and up to its end: one row where there were any.
create table model_verification (
    model_id            bytes32 not null,
    period              bigint  not null references network_period on delete cascade,
    audited_units       uint256 not null,
    audited_units_total uint256 not null, -- up to here
    primary key (model_id, period)
);

create index on model_verification (period);
