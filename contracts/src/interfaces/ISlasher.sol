// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Penalties for faults
/// @notice One fault so far: downtime, judged from the final results of the uptime ledger. A period is a fault when more
///         than a third of its observed slots were missed and enough of it was observed. The first fault takes a part of
///         the earnings that are still in escrow; principal is reached, and the operator jailed, only when faults repeat.
interface ISlasher {
    /// @param earningsBps Part of escrowed earnings taken at a fault, basis points, scaled by the missed share.
    /// @param principalBps Part of the slashable pool taken at a repeated fault, basis points, scaled by the missed share.
    /// @param reporterCutBps Part of what is taken that the reporter earns, basis points.
    /// @param repeatAfter Faults within `memoryPeriods` from which on a fault counts as repeated; at least 2.
    /// @param memoryPeriods Distance in periods up to which another fault counts.
    /// @param jailSeconds Jail term of a repeated fault.
    struct DowntimePenalty {
        uint16 earningsBps;
        uint16 principalBps;
        uint16 reporterCutBps;
        uint16 repeatAfter;
        uint32 memoryPeriods;
        uint64 jailSeconds;
    }

    /// @notice An operator paid for a period of downtime. `earningsTaken` is in fee tokens, `principalTaken` in stake
    ///         tokens, both include the reporter's cut; `jailedUntil` is zero when it was not jailed.
    event DowntimePunished(
        address indexed operator,
        uint64 indexed period,
        address indexed reporter,
        uint32 observedSlots,
        uint32 missedSlots,
        uint32 strikes,
        uint256 earningsTaken,
        uint256 principalTaken,
        uint64 jailedUntil
    );

    /// @notice The downtime penalty changed; both are zero-valued `previous` at deployment.
    event DowntimePenaltyChanged(DowntimePenalty previous, DowntimePenalty current);

    /// @notice Emitted once, at deployment.
    event SlasherConfigured(
        address uptimeLedger,
        address operatorRegistry,
        address stakeVault,
        address inferenceSettlement,
        uint64 evidenceWindow
    );

    error Slasher_PeriodNotFinal(uint64 period);
    error Slasher_EvidenceExpired(uint64 period, uint64 deadline);
    error Slasher_AlreadyPunished(address operator, uint64 period);
    error Slasher_NotExpected(address operator, uint64 period);
    error Slasher_NotDown(address operator, uint64 period, uint32 missedSlots, uint32 observedSlots);
    error Slasher_TooLittleObserved(uint32 observedSlots, uint32 required);
    error Slasher_ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);

    /// @notice Seconds after a period's end in which its downtime can be punished: more than the report window, and with
    ///         the period itself no more than the vault's thaw, both checked at deployment.
    function EVIDENCE_WINDOW() external view returns (uint64);

    /// @notice The penalty in force.
    function downtimePenalty() external view returns (DowntimePenalty memory);

    /// @notice Changes the penalty for faults punished from now on. Restricted.
    function changeDowntimePenalty(DowntimePenalty calldata penalty) external;

    /// @notice Punishes an operator for a final period. Anyone may call, once for each operator and period, in any order.
    /// @dev Only periods count that the operator was in service for from beginning to end, since its registration or its
    ///      last return from jail: a jail term closes the book on what came before it.
    /// @param observed The period's result words, as in `PeriodReported`.
    /// @param up Likewise.
    function punishDowntime(address operator, uint64 period, uint256[] calldata observed, uint256[] calldata up)
        external;

    /// @notice True when the operator was punished for the period.
    function punished(address operator, uint64 period) external view returns (bool);

    /// @notice Faults of the operator that count for a fault in `period`: this one, and the punished ones up to
    ///         `memoryPeriods` before or after it. Both sides count, so that nobody escapes the penalty for repetition by
    ///         having periods reported in reverse.
    function strikes(address operator, uint64 period) external view returns (uint32);
}
