// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "./IBatches.sol";
import {IReceipts} from "./IReceipts.sol";

/// @title Random audits of settled batches
/// @notice Every batch is drawn by a seed that nobody knew when it was settled; it is released at once, or one leaf of its
///         tree must be shown and judged on the `CaseDocket` first, whose errors apply.
interface IAuditManager {
    /// @notice What an audit has besides its case.
    /// @param batchId Batch that is audited.
    /// @param round Round whose seed a `Seeding` case waits for, zero otherwise.
    /// @param extensions Periods by which the answer's deadline was moved.
    /// @param path Way down the batch's tree, see `LeafPath`; zero before it is known.
    struct Audit {
        uint256 batchId;
        uint64 round;
        uint8 extensions;
        bytes32 path;
    }

    /// @notice A batch was drawn with `probability` (fraction of 1e18). It is released at once when `caseId` is zero, else
    ///         audited: that case's `AuditOpened` follows. `seed` is zero when the seed of `round` was lost, which makes an
    ///         audit certain.
    event BatchDrawn(
        address indexed operator,
        uint256 indexed batchId,
        uint256 indexed caseId,
        uint64 round,
        bytes32 seed,
        uint256 probability
    );

    /// @notice An audit was opened. With `round` not zero it waits for that round's seed.
    event AuditOpened(
        address indexed operator,
        uint256 indexed caseId,
        uint256 indexed batchId,
        uint64 round,
        uint256 principalCap,
        uint32 parametersVersion
    );

    /// @notice The seed of a waiting audit was lost too; that of `round` decides.
    event AuditReseeded(address indexed operator, uint256 indexed caseId, uint64 round);

    /// @notice The leaf at the end of `path` must be shown before `deadline`.
    event LeafRequested(address indexed operator, uint256 indexed caseId, bytes32 path, uint64 deadline);

    /// @notice More than a third of the operator-slots of `period` were missed: the deadline moved.
    event DeadlineExtended(address indexed operator, uint256 indexed caseId, uint64 indexed period, uint64 deadline);

    /// @notice The audited leaf was shown.
    event LeafAnswered(address indexed operator, uint256 indexed caseId, address indexed responder);

    /// @notice Emitted once, at deployment.
    event AuditManagerConfigured(address caseDocket, address randomness);

    error AuditManager_ZeroAddress();
    error AuditManager_WrongBatch(uint256 batchId);
    error AuditManager_AlreadyDrawn(uint256 batchId, uint256 caseId);
    error AuditManager_SeedPending(uint64 round);
    error AuditManager_NotAudit(uint256 caseId);
    error AuditManager_WrongLeaf(uint256 caseId);
    error AuditManager_NoOutage(uint64 period, uint32 missedBps);
    error AuditManager_PeriodOutsideWindow(uint64 period, uint64 opensAt, uint64 deadline);
    error AuditManager_AlreadyExtended(uint256 caseId, uint64 period);
    error AuditManager_TooManyExtensions(uint256 caseId, uint256 max);

    /// @notice Draws a settled batch: releases it, or opens an audit. Anyone may call, once its seed is known or lost. Any
    ///         delay is the operator's loss: nothing is released without a draw, and the odds are those of now.
    /// @dev `p = min(1, m * max(pMin, β risk / (D K)))`, rounded up, `√p` where the seed can be biased; certain when nothing
    ///      covers the operator or the seed was lost, so that who withholds a seed gains nothing.
    /// @return caseId The audit's case, zero when the batch was released.
    function draw(uint256 batchId, IBatches.Batch calldata batch) external returns (uint256 caseId);

    /// @notice Asks for the leaf of an audit whose first seed was lost, once another is known; or for yet another seed.
    ///         Anyone may call.
    function seedAudit(uint256 caseId) external;

    /// @notice Shows the audited leaf, before the deadline. Anyone may call: the operator, the payer, an archive.
    /// @dev The leaf lies at the end of the case's path, at a depth that a complete tree of the batch's size has, and its
    ///      receipt is signed by a key that was the operator's when it was served. Anything else reverts.
    /// @param signature The operator's EIP-712 signature of the receipt.
    /// @param proof Siblings from the leaf to the root.
    function answer(
        uint256 caseId,
        IBatches.Batch calldata batch,
        IReceipts.Receipt calldata receipt,
        bytes calldata signature,
        bytes32[] calldata proof
    ) external;

    /// @notice Moves the deadline of an answer by one period, for a weighed period in which more than a third of all
    ///         operator-slots were missed and which overlaps the window: each period once, at most the docket's
    ///         `MAX_EXTENSIONS`, until the grace is over.
    function extend(uint256 caseId, uint64 period) external;

    /// @notice Punishes an operator whose audited leaf nobody showed, and releases what is left of the batch. Anyone may call
    ///         once deadline and grace are over, and gets the cut.
    function withhold(uint256 caseId, IBatches.Batch calldata batch) external;

    /// @notice Executes the verdict of an audit: punishes or not, and releases the batch. Anyone may call.
    function executeAudit(uint256 caseId, IBatches.Batch calldata batch) external;

    /// @notice What an audit has besides its case; all zero when the case is none.
    function audit(uint256 caseId) external view returns (Audit memory);

    /// @notice The audit of a batch; zero when it was not drawn for one.
    function auditOf(uint256 batchId) external view returns (uint256 caseId);

    /// @notice True when a path down the tree under `root` ends at the receipt's leaf, at a depth that a complete tree of
    ///         `receiptCount` leaves has: what `answer` asks for besides the signature.
    function isLeafAt(
        bytes32 root,
        uint32 receiptCount,
        bytes32 path,
        IReceipts.Receipt calldata receipt,
        bytes32[] calldata proof
    ) external pure returns (bool);
}
