-- The API reads as a member of `plumbline_reader`. A managed database may forbid this role to create roles: then its
-- owner creates the role and repeats the grants below (docs/operations.md).
do $$
begin
    if not exists (select from pg_roles where rolname = 'plumbline_reader') then
        create role plumbline_reader nologin;
    end if;
exception
    when duplicate_object or unique_violation then null; -- another database of the same server was faster
    when insufficient_privilege then
        raise notice 'role plumbline_reader was not created: permission denied; see docs/operations.md';
end
$$;

do $$
begin
    if exists (select from pg_roles where rolname = 'plumbline_reader') then
        execute format('grant usage on schema %I to plumbline_reader', current_schema());
        execute format('grant select on all tables in schema %I to plumbline_reader', current_schema());
        execute format('alter default privileges in schema %I grant select on tables to plumbline_reader', current_schema());
    end if;
end
$$;
