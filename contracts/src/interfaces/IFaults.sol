// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title The table of faults and what they cost
/// @notice Readable before anybody stakes; every change is an event with the old and the new terms.
interface IFaults {
    /// @dev `Downtime`: missed more than a third of a period. `Withheld`: an audited receipt was not shown in time.
    ///      `WrongOutput`: a receipt was judged wrong. `Equivocation`: two receipts of one request, or two signed reports of
    ///      one period, contradict each other. `FalseReport`: a judge called a planted wrong output right.
    ///      `Unrevealed`: a judge did not commit and reveal its verdict.
    enum Fault {
        Downtime,
        Withheld,
        WrongOutput,
        Equivocation,
        FalseReport,
        Unrevealed
    }

    /// @notice What a fault costs. Earnings in escrow are taken first, then the pool pro rata.
    /// @param earningsBps Part of escrowed earnings, basis points.
    /// @param principalBps Part of the slashable pool, basis points.
    /// @param correlatedBps Part of the slashable pool that is added in full when a third of all stake is at fault within
    ///        the window: times `min(3 S, T) / T`, basis points.
    /// @param cutBps Part of what is taken that goes to who proved the fault, basis points, at most 2,000.
    /// @param tombstone True when the operator can never serve again.
    /// @param jailSeconds Jail term.
    struct Terms {
        uint16 earningsBps;
        uint16 principalBps;
        uint16 correlatedBps;
        uint16 cutBps;
        bool tombstone;
        uint64 jailSeconds;
    }

    /// @notice One punishment, ordered by a judge.
    /// @param fault What happened.
    /// @param operator Who did it.
    /// @param offence Identity of the deed: no deed is punished twice.
    /// @param terms Terms in force when the case was opened.
    /// @param principalCap Most stake that may be taken, stake-token base units, as of when the case was opened.
    /// @param beneficiary Who proved it and gets the cut; zero when nobody.
    /// @param victim Who is refunded first; zero when nobody.
    /// @param refund Fees that the victim paid, fee-token base units.
    struct Punishment {
        Fault fault;
        address operator;
        bytes32 offence;
        Terms terms;
        uint256 principalCap;
        address beneficiary;
        address victim;
        uint256 refund;
    }

    /// @notice An operator paid for a fault. `earningsTaken` is in fee tokens, `principalTaken` in stake tokens; both
    ///         include cut and refund. `jailedUntil` is zero when it was not jailed.
    event FaultPunished(
        address indexed operator,
        Fault indexed fault,
        bytes32 indexed offence,
        address beneficiary,
        address victim,
        uint256 earningsTaken,
        uint256 principalTaken,
        uint64 jailedUntil,
        bool tombstoned
    );

    /// @notice The terms of a fault changed; `previous` is zero-valued at deployment.
    event FaultTermsChanged(Fault indexed fault, Terms previous, Terms current);

    /// @notice A period was weighed: `missedBps` of its observed operator-slots were missed, `averageBps` is the running
    ///         average before it, and `factorBps` (10,000 to 40,000) multiplies its downtime penalties.
    event OutageWeighed(uint64 indexed period, uint32 missedBps, uint32 averageBps, uint32 factorBps);

    /// @notice The terms in force for a fault.
    function terms(Fault fault) external view returns (Terms memory);

    /// @notice Punishes as a judge ordered, once for each offence. Restricted. Never reverts for size or for the status of a
    ///         registered operator, only for an offence that was punished, for `Downtime`, which is not the judge's, and for
    ///         terms outside the limits that terms are changed within.
    /// @dev Taken of the pool is `slashable * principalBps / 1e4` and, where the fault is weighed by the stake at fault `S` of
    ///      all stake `T`, `slashable * correlatedBps / 1e4 * min(3 S, T) / T`, each rounded down, together at most the cap.
    /// @return earningsTaken Fee tokens taken.
    /// @return principalTaken Stake tokens taken.
    function punish(Punishment calldata punishment) external returns (uint256 earningsTaken, uint256 principalTaken);

    /// @notice True when the deed was punished.
    function isPunished(bytes32 offence) external view returns (bool);

    /// @notice Share of observed operator-slots that were missed in a weighed period, basis points; zero when not weighed.
    function missedBps(uint64 period) external view returns (uint32);
}
