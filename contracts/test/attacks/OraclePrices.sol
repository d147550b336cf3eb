// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PriceOracle} from "../../src/PriceOracle.sol";
import {TestFeed} from "../../src/TestFeed.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {SettlementBase} from "../SettlementBase.t.sol";

/// @notice The settlement with the oracle that ships, over a feed that says one.
abstract contract OraclePrices is SettlementBase {
    int256 internal constant ONE = 1e8;
    uint32 internal constant MAX_AGE = 2 hours;
    uint32 internal constant WINDOW = 24 hours;
    /// @dev 0.9 * 0.2 of own stake.
    uint256 internal constant COLLATERAL = 360 ether;

    TestFeed internal feed;
    PriceOracle internal oracle;

    function _createPriceOracle() internal override returns (IPriceOracle) {
        feed = new TestFeed(address(this), 8, ONE);
        oracle = new PriceOracle(address(accessManager), stakeToken, feeToken, address(feed), MAX_AGE, WINDOW);
        return oracle;
    }

    function setUp() public virtual override {
        super.setUp();
        oracle.update();
        for (uint256 i = 0; i < 24; ++i) {
            _skip(1 hours);
            _observe(ONE);
        }
        _deposit(payer.addr, operator, 1_000_000 ether);
    }

    function _observe(int256 answer) internal {
        feed.setAnswer(answer);
        oracle.update();
    }
}
