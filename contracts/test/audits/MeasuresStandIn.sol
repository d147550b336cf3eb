// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {IStakeTotals} from "../../src/interfaces/IStakeTotals.sol";

/// @notice Stake and price as a test wants them to be measured.
contract MeasuresStandIn is IStakeTotals, IPriceOracle {
    uint256 public totalAssets;
    uint256 public totalThawing;
    uint256 public fallBps;

    function measure(uint256 assets, uint256 thawing, uint256 fall) external {
        (totalAssets, totalThawing, fallBps) = (assets, thawing, fall);
    }

    function collateralPrice() external pure returns (uint256 price, bool fresh) {
        return (1e18, true);
    }
}
