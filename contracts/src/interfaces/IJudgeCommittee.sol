// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IVerdicts} from "./IVerdicts.sol";

/// @title Committees of operators that judge a receipt by doing its work again
/// @notice Up to five eligible operators that serve the model, from outside the failure domain that the accused declared when
///         the case was opened, drawn by a seed that nobody knew then. Each commits to the hash of the output it gets, and
///         shows it once nobody can commit any more. Three equal votes decide.
interface IJudgeCommittee is IVerdicts {
    /// @notice What a committee is to judge.
    /// @param caseId Case, in the auditor's count.
    /// @param operator Who is accused; it is no judge in its own case.
    /// @param challenger Who accuses, and is no judge either; zero in a random audit.
    /// @param modelId Model that the judges must serve.
    /// @param outputHash Output that the receipt claims.
    /// @param exact True when a wrong output must be shown by three judges who agree on another one; false when it is
    ///        enough that three find it out of bounds, each with an output of its own.
    /// @param commitWindow Seconds from the draw in which judges commit.
    /// @param revealWindow Seconds after it in which they reveal.
    struct Brief {
        uint256 caseId;
        address operator;
        address challenger;
        bytes32 modelId;
        bytes32 outputHash;
        bool exact;
        uint32 commitWindow;
        uint32 revealWindow;
    }

    /// @param brief What is judged.
    /// @param domain Failure domain of the accused when the committee was asked for.
    /// @param round Round whose seed draws the committee.
    /// @param operatorCount Operators it is drawn from: those registered when it was asked for.
    /// @param drawn True once it was drawn.
    /// @param seats Judges drawn, at most `SEATS`; none where fewer than `VOTES` were found.
    /// @param commits How many committed.
    /// @param reveals How many revealed.
    /// @param commitUntil Unix seconds before which judges commit.
    /// @param revealUntil Unix seconds before which they reveal.
    struct Committee {
        Brief brief;
        bytes32 domain;
        uint64 round;
        uint32 operatorCount;
        bool drawn;
        uint8 seats;
        uint8 commits;
        uint8 reveals;
        uint64 commitUntil;
        uint64 revealUntil;
    }

    /// @param member Who sits here.
    /// @param cap Stake that was slashable in its pool when it was drawn, stake-token base units; saturates.
    /// @param commitment What it committed; zero when nothing.
    /// @param outputHash What it revealed; zero when nothing.
    struct Seat {
        address member;
        uint96 cap;
        bytes32 commitment;
        bytes32 outputHash;
    }

    /// @notice A committee was asked for; the seed of `round` draws it among the first `operatorCount` operators outside
    ///         `domain`.
    event CommitteeRequested(uint256 indexed caseId, uint64 round, uint32 operatorCount, bytes32 domain, Brief brief);

    /// @notice The seed was lost; that of `round` draws instead.
    event CommitteeReseeded(uint256 indexed caseId, uint64 round);

    /// @notice The committee, in the order of its seats, and the slashable stake of each. Empty, with both times zero,
    ///         where fewer than three were found: nobody judges then.
    event JudgesDrawn(
        uint256 indexed caseId, bytes32 seed, address[] members, uint96[] caps, uint64 commitUntil, uint64 revealUntil
    );

    /// @notice A judge committed to its verdict.
    event VerdictCommitted(address indexed member, uint256 indexed caseId, uint8 seat, bytes32 commitment);

    /// @notice A judge showed its verdict.
    event VerdictRevealed(address indexed member, uint256 indexed caseId, uint8 seat, bytes32 outputHash);

    /// @notice Emitted once, at deployment.
    event JudgeCommitteeConfigured(address operatorRegistry, address stakeVault, address randomness);

    error JudgeCommittee_ZeroAddress();
    error JudgeCommittee_AlreadyRequested(uint256 caseId);
    error JudgeCommittee_NotRequested(uint256 caseId);
    error JudgeCommittee_AlreadyDrawn(uint256 caseId);
    error JudgeCommittee_NotDrawn(uint256 caseId);
    error JudgeCommittee_SeedPending(uint256 caseId, uint64 round);
    error JudgeCommittee_SeatUnknown(uint256 caseId, uint8 seat);
    error JudgeCommittee_NotMember(address caller, address member);
    error JudgeCommittee_EmptyHash();
    error JudgeCommittee_AlreadyCommitted(uint256 caseId, uint8 seat);
    error JudgeCommittee_CommitsClosed(uint256 caseId, uint64 closedAt);
    error JudgeCommittee_CommitsOpen(uint256 caseId, uint64 until);
    error JudgeCommittee_RevealsClosed(uint256 caseId, uint64 closedAt);
    error JudgeCommittee_AlreadyRevealed(uint256 caseId, uint8 seat);
    error JudgeCommittee_WrongReveal(uint256 caseId, uint8 seat);

    /// @notice Judges of a full committee.
    function SEATS() external view returns (uint256);

    /// @notice Votes that decide, and fewest judges that make a committee.
    function VOTES() external view returns (uint256);

    /// @notice Asks for a committee. Restricted to the auditor.
    function request(Brief calldata brief) external;

    /// @notice Draws the committee once its seed is known; where the seed was lost, asks for another. Anyone may call.
    /// @return drawn True when it was drawn.
    function draw(uint256 caseId) external returns (bool drawn);

    /// @notice Commits a judge's verdict, as the member or its settler, before `commitUntil`. Final.
    /// @param commitment `keccak256(abi.encode(caseId, member, outputHash, salt))`: it names the member, so that a copy of
    ///        somebody else's can never be revealed.
    function commit(uint256 caseId, uint8 seat, bytes32 commitment) external;

    /// @notice Shows a verdict, once nobody can commit any more and before `revealUntil`. Anyone who knows it may call.
    /// @param outputHash Output the member got; that of the receipt when it is right (or, for a model with tolerance, within
    ///        bounds). Not zero.
    function reveal(uint256 caseId, uint8 seat, bytes32 outputHash, bytes32 salt) external;

    /// @notice The verdict of a committee: `Passed`, `Failed` or `Inconclusive`, and `None` before it has decided.
    function verdictOf(uint256 caseId) external view returns (Verdict);

    /// @notice A committee; all zero when none was asked for.
    function committeeOf(uint256 caseId) external view returns (Committee memory);

    /// @notice A seat of a drawn committee.
    function seatOf(uint256 caseId, uint8 seat) external view returns (Seat memory);
}
