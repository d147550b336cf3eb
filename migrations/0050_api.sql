-- What the API looks up besides the keys: the vouchers of a channel that were not paid in full, faults of one kind, and a
-- model's children in their order.
create index on voucher_skipped (payer, operator, block_number, log_index);
create index on fault_punished (fault, block_number, log_index);
drop index model_registered_parent_idx;
create index on model_registered (parent, block_number, log_index);
