// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Batches of settled receipts, from the settlement to the release of what they earned
/// @notice A settled batch is open: what it earned is in escrow and its value is at risk, held against the operator's
///         collateral. Its auditor, once it was drawn and perhaps judged, releases it: the risk is closed and the earnings
///         begin to wait out the dispute window. Nothing is released without it.
interface IBatches {
    /// @notice What was committed when a batch was settled; only a hash of it is stored.
    /// @param operator Whose batch it is.
    /// @param settledAt Unix seconds of the settlement.
    /// @param settledBlock Block number of the settlement.
    /// @param receiptCount Receipts under `receiptsRoot`.
    /// @param receiptsRoot Root of the OpenZeppelin standard Merkle tree over the receipts.
    /// @param earned Operator's net, fee-token base units.
    /// @param risk Value at risk, fee-token base units: the fees paid or, where higher, what the operator declared.
    struct Batch {
        address operator;
        uint64 settledAt;
        uint64 settledBlock;
        uint32 receiptCount;
        bytes32 receiptsRoot;
        uint128 earned;
        uint128 risk;
    }

    /// @notice What covers an operator's open batches, fee-token base units.
    /// @param collateral `K`: escrowed earnings and discounted stake at the last known price, less the reserve for
    ///        correlation.
    /// @param openRisk Sum of the risk of its open batches.
    /// @param headroom Risk that one more batch may have now; zero while the price is stale.
    struct Coverage {
        uint256 collateral;
        uint256 openRisk;
        uint256 headroom;
    }

    /// @param betaBps `β`: how many times its value a wrong batch may gain who cheats, basis points.
    /// @param utilisationBps `X`: part of the collateral that open risk may use, basis points.
    /// @param haircutBps `h`: fall of the stake's price that coverage outlasts, basis points.
    /// @param penaltyBps `D`: part of the collateral that fraud costs, basis points.
    /// @param correlationBps `ρc`: part of the collateral held back for faults of others, basis points.
    struct CoverageTerms {
        uint32 betaBps;
        uint16 utilisationBps;
        uint16 haircutBps;
        uint16 penaltyBps;
        uint16 correlationBps;
    }

    /// @notice A batch was released: its risk is closed, and `locked` of its earnings waits out the dispute window from
    ///         this block on. `locked` is less than what it earned where a fault has taken the rest.
    event BatchReleased(address indexed operator, uint256 indexed batchId, uint256 risk, uint256 locked);

    error Batches_WrongBatch(uint256 batchId);

    /// @notice Releases an open batch. Restricted to the auditor.
    function release(uint256 batchId, Batch calldata batch) external;

    /// @notice True when the batch was settled with exactly these terms and is open, or was `released`, as asked.
    function isBatch(uint256 batchId, Batch calldata batch, bool released) external view returns (bool);

    /// @notice What covers the operator's open batches now.
    function coverage(address operator) external view returns (Coverage memory);

    /// @notice The terms of coverage, fixed at deployment.
    function coverageTerms() external view returns (CoverageTerms memory);
}
