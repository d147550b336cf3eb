-- An operator's movements of one kind are read without passing over its others.
create index on flow (operator, kind, block_number, log_index, part);
