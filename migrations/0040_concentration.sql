-- Concentration also by capacity, available capacity and rewards, and among owners and failure domains.
--   basis      stake and capacity at the period's end; available, units, fees and rewards in the period
--   capacity   what an operator in service can carry, in the unit of the source: active stake, to which coverage ties
--              open work; available is capacity times uptime, with the network's uptime where nobody observed
--   owner      operators with one payout address, which is what a chain shows of common ownership
--   domain     operators with one declared failure domain; who declares none stands for itself
-- Every figure is null when the total is zero.
alter table network_concentration
    drop constraint network_concentration_pkey,
    drop constraint network_concentration_basis_check,
    add column level text not null default 'operator' check (level in ('operator', 'owner', 'domain')),
    add column holders int not null default 0,   -- that hold more than nothing
    add column top10_share double precision,
    add column entropy_effective double precision, -- D1 = exp(-Σ s ln s)
    add column theil double precision,           -- Σ s ln(n s) over the members, holders of nothing included
    add column theil_between double precision,   -- part of the operators' Theil index between groups; null at level operator
    add column theil_within double precision,    -- the rest of it, within groups; null at level operator
    add constraint network_concentration_basis_check
        check (basis in ('stake', 'capacity', 'available', 'units', 'fees', 'rewards')),
    add primary key (period, level, basis);
