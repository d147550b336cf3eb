// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "./interfaces/IFaults.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {IStakeTotals} from "./interfaces/IStakeTotals.sol";
import {IStressGauge} from "./interfaces/IStressGauge.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {StressController} from "./libraries/StressController.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title StressGauge
/// @notice Behaviour, units and errors are documented on `IStressGauge`.
contract StressGauge is IStressGauge, AccessManaged {
    /// @param weight Sum of the risk of batches drawn or spared.
    /// @param utilisation Sum of their operators' utilisation, basis points times risk.
    /// @param batches How many they were.
    /// @param closed Cases closed.
    /// @param lost Cases that operators lost.
    struct Step {
        uint256 weight;
        uint256 utilisation;
        uint64 batches;
        uint64 closed;
        uint64 lost;
    }

    uint256 private constant BPS = StressController.BPS;
    /// @dev Periods looked back on for the last that was weighed; a report window is shorter than this.
    uint256 private constant PERIODS = 4;
    uint64 private constant MAX_STEP = 7 days;
    uint256 private constant MAX_UTILISATION = 20_000;

    IStakeTotals public immutable STAKE_VAULT;
    IPriceOracle public immutable PRICE_ORACLE;
    IFaults public immutable FAULTS;
    IUptimeLedger public immutable UPTIME_LEDGER;

    Parameters private _parameters;
    Step private _step;
    uint64 private _steppedAt;
    uint64 private _openCases;
    uint64 private _multiplier = 10_000;

    constructor(
        address manager,
        IStakeTotals stakeVault,
        IPriceOracle priceOracle,
        IFaults faults,
        IUptimeLedger uptimeLedger,
        Parameters memory parameters_
    ) AccessManaged(manager) {
        require(
            address(stakeVault) != address(0) && address(faults) != address(0) && address(uptimeLedger) != address(0),
            StressGauge_ZeroAddress()
        );
        STAKE_VAULT = stakeVault;
        PRICE_ORACLE = priceOracle;
        FAULTS = faults;
        UPTIME_LEDGER = uptimeLedger;
        _steppedAt = uint64(block.timestamp);
        emit StressGaugeConfigured(address(stakeVault), address(priceOracle), address(faults), address(uptimeLedger));
        _changeParameters(parameters_);
    }

    /// @inheritdoc IStressGauge
    function updateMultiplier() external returns (uint256 currentBps) {
        require(block.timestamp >= nextStepAt(), StressGauge_TooEarly(nextStepAt()));
        StressController.Signs memory signs_ = signs();
        uint256 stress = StressController.stress(signs_);
        uint256 previousBps = _multiplier;
        currentBps = StressController.next(previousBps, stress);
        // At most 50,000.
        // forge-lint: disable-next-line(unsafe-typecast)
        _multiplier = uint64(currentBps);
        _steppedAt = uint64(block.timestamp);
        delete _step;
        emit MultiplierUpdated(previousBps, currentBps, stress, signs_);
    }

    /// @inheritdoc IStressGauge
    function changeParameters(Parameters calldata parameters_) external restricted {
        _changeParameters(parameters_);
    }

    /// @inheritdoc IStressGauge
    function recordBatch(uint256 risk, uint256 utilisationBps) external restricted {
        _step.weight += risk;
        _step.utilisation += risk * Math.min(utilisationBps, MAX_UTILISATION);
        ++_step.batches;
    }

    /// @inheritdoc IStressGauge
    function recordOpened() external restricted {
        ++_openCases;
    }

    /// @inheritdoc IStressGauge
    function recordClosed(bool lost) external restricted {
        --_openCases;
        ++_step.closed;
        if (lost) ++_step.lost;
    }

    /// @inheritdoc IStressGauge
    function multiplierBps() external view returns (uint256) {
        return _multiplier;
    }

    /// @inheritdoc IStressGauge
    function openCases() external view returns (uint256) {
        return _openCases;
    }

    /// @inheritdoc IStressGauge
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IStressGauge
    function signs() public view returns (StressController.Signs memory) {
        Step memory step = _step;
        (uint256 active, uint256 thawing) = (STAKE_VAULT.totalAssets(), STAKE_VAULT.totalThawing());
        return StressController.Signs({
            utilisation: _ratio(step.utilisation, step.weight),
            priceFall: address(PRICE_ORACLE) == address(0) ? 0 : PRICE_ORACLE.fallBps(),
            exitQueue: _ratio(thawing * BPS, active + thawing),
            missed: _missed(),
            backlog: _ratio(_openCases * BPS, _parameters.backlogCapacity),
            lostDisputes: _ratio(step.lost * BPS, uint256(step.batches) + step.closed)
        });
    }

    /// @inheritdoc IStressGauge
    function nextStepAt() public view returns (uint64) {
        return _steppedAt + _parameters.step;
    }

    /// @dev The worst of the last few periods: those that are not weighed count as zero.
    function _missed() private view returns (uint256 worst) {
        if (block.timestamp < UPTIME_LEDGER.schedule().genesis) return 0;
        uint64 period = UPTIME_LEDGER.periodAt(uint64(block.timestamp));
        for (uint256 i = 0; i < PERIODS && period != 0; ++i) {
            worst = Math.max(worst, FAULTS.missedBps(--period));
        }
    }

    function _changeParameters(Parameters memory parameters_) private {
        _requireWithin("step", parameters_.step, 1, MAX_STEP);
        _requireWithin("backlogCapacity", parameters_.backlogCapacity, 1, type(uint32).max);
        emit StressParametersChanged(_parameters, parameters_);
        _parameters = parameters_;
    }

    /// @dev Rounded up: stress is never understated.
    function _ratio(uint256 part, uint256 whole) private pure returns (uint256) {
        return whole == 0 ? 0 : Math.ceilDiv(part, whole);
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, StressGauge_ParameterOutOfRange(name, value, min, max));
    }
}
