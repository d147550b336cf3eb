-- One database holds the deployment of one source. A contract that its source does not have has address zero.
alter table deployment add column source text not null default 'plumbline';

-- Links are checked when blocks are read; what is final is read without its parent.
alter table block drop column parent_hash;
