// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StressController} from "../libraries/StressController.sol";

/// @title What multiplies the probability of audits under stress
/// @notice Once a step anybody has the signs of stress measured; the multiplier rises with them at once and falls back a 24th
///         of the way a step. Under stress admission shrinks by coverage; audits never do.
interface IStressGauge {
    /// @param step Least seconds between two updates.
    /// @param backlogCapacity Open cases that auditors are expected to keep up with.
    struct Parameters {
        uint64 step;
        uint32 backlogCapacity;
    }

    /// @notice A step ended: the signs that were measured (basis points), the stress they make and what it makes of the
    ///         multiplier.
    event MultiplierUpdated(uint256 previousBps, uint256 currentBps, uint256 stressBps, StressController.Signs signs);

    /// @notice The parameters changed; `previous` is zero-valued at deployment.
    event StressParametersChanged(Parameters previous, Parameters current);

    /// @notice Emitted once, at deployment. `priceOracle` is zero where stake and fees are one token.
    event StressGaugeConfigured(address stakeVault, address priceOracle, address faults, address uptimeLedger);

    error StressGauge_ZeroAddress();
    error StressGauge_TooEarly(uint64 nextStepAt);
    error StressGauge_ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);

    /// @notice Measures stress and moves the multiplier. Anyone may call, once a step.
    /// @return currentBps The new multiplier.
    function updateMultiplier() external returns (uint256 currentBps);

    /// @notice Changes the parameters. Restricted.
    function changeParameters(Parameters calldata parameters) external;

    /// @notice Counts a batch that was drawn or spared. Restricted to the auditor.
    /// @param risk Its value at risk, fee-token base units: the weight of its operator's utilisation.
    /// @param utilisationBps Open risk of its operator over what coverage admits, basis points.
    function recordBatch(uint256 risk, uint256 utilisationBps) external;

    /// @notice Counts a case that was opened. Restricted to the auditor.
    function recordOpened() external;

    /// @notice Counts a case that was closed, and whether its operator lost it. Restricted to the auditor.
    function recordClosed(bool lost) external;

    /// @notice The multiplier in force, basis points: 10,000 to 50,000.
    function multiplierBps() external view returns (uint256);

    /// @notice Cases that are open now.
    function openCases() external view returns (uint256);

    /// @notice The signs as they stand in the present step.
    function signs() external view returns (StressController.Signs memory);

    /// @notice Unix seconds from which on the multiplier can be updated.
    function nextStepAt() external view returns (uint64);

    /// @notice The parameters in force.
    function parameters() external view returns (Parameters memory);
}
