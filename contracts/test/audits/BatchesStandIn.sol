// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IBatches} from "../../src/interfaces/IBatches.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {Comeback} from "../attacks/Comeback.sol";

/// @notice The settlement as auditors see it: batches, coverage and lanes as a test wants them.
contract BatchesStandIn is Comeback, IBatches {
    address public immutable FEE_TOKEN;
    uint256 public batchCount;
    mapping(uint256 batchId => bytes32) private _commitments;
    mapping(address operator => Coverage) private _coverages;
    mapping(bytes32 laneId => uint128) private _laneFees;

    constructor(address feeToken) {
        FEE_TOKEN = feeToken;
    }

    function open(Batch calldata batch) external returns (uint256 batchId) {
        batchId = ++batchCount;
        _commitments[batchId] = keccak256(abi.encode(batchId, batch, false));
    }

    function cover(address operator, uint256 collateral, uint256 openRisk) external {
        _coverages[operator] = Coverage({collateral: collateral, openRisk: openRisk, headroom: 0});
    }

    function payLane(address payer, address operator, bytes32 modelId, uint128 fee) external {
        _laneFees[keccak256(abi.encode(payer, operator, modelId))] += fee;
    }

    function release(uint256 batchId, Batch calldata batch) external {
        require(isBatch(batchId, batch, false), Batches_WrongBatch(batchId));
        _commitments[batchId] = keccak256(abi.encode(batchId, batch, true));
        emit BatchReleased(batch.operator, batchId, batch.risk, batch.earned);
        _comeBackTo(msg.sender);
    }

    /// @notice Whoever releases a batch next is called back meanwhile.
    function comeBack(bytes calldata comeback) external {
        _prepare(comeback);
    }

    function isBatch(uint256 batchId, Batch calldata batch, bool released) public view returns (bool) {
        return _commitments[batchId] == keccak256(abi.encode(batchId, batch, released));
    }

    function coverage(address operator) external view returns (Coverage memory) {
        return _coverages[operator];
    }

    function coverageTerms() external pure returns (CoverageTerms memory) {
        return CoverageTerms({
            betaBps: 30_000, utilisationBps: 8000, haircutBps: 8000, penaltyBps: 8444, correlationBps: 1000
        });
    }

    function lane(address payer, address operator, bytes32 modelId)
        external
        view
        returns (IInferenceSettlement.Lane memory)
    {
        uint128 fee = _laneFees[keccak256(abi.encode(payer, operator, modelId))];
        return IInferenceSettlement.Lane({fee: fee, units: 0, royaltyBps: 0, open: fee != 0});
    }
}
