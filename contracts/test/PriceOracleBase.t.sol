// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PriceOracle} from "../src/PriceOracle.sol";
import {TestFeed} from "../src/TestFeed.sol";
import {TestToken} from "../src/TestToken.sol";
import {IFeedPriceOracle} from "../src/interfaces/IFeedPriceOracle.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";

/// @notice An oracle over a feed of 8 decimals that prices a stake token of 18 in a fee token of 6.
abstract contract PriceOracleBase is Test {
    uint64 internal constant START = 1_800_000_000;
    uint32 internal constant WINDOW = 24 hours;
    uint32 internal constant INTERVAL = 1 hours;
    uint32 internal constant MAX_AGE = 1 hours;
    /// @dev Two dollars: an answer of the feed, and the base units of a fee token of 6 decimals that 1e18 are worth.
    int256 internal constant TWO = 2e8;
    uint256 internal constant PRICE = 2e6;

    address internal governor = makeAddr("governor");
    address internal attacker = makeAddr("attacker");
    TestToken internal stakeToken;
    TestToken internal feeToken;
    TestFeed internal feed;
    AccessManager internal accessManager;
    PriceOracle internal oracle;

    function setUp() public virtual {
        vm.warp(START);
        stakeToken = new TestToken("Stake", "STK", 18);
        feeToken = new TestToken("Fee", "FEE", 6);
        accessManager = new AccessManager(governor);
        feed = new TestFeed(address(this), 8, TWO);
        oracle = create(address(feed), MAX_AGE, WINDOW);
    }

    function create(address feed_, uint32 maxAge, uint32 window) public returns (PriceOracle) {
        return new PriceOracle(address(accessManager), stakeToken, feeToken, feed_, maxAge, window);
    }

    function _now() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    function _skip(uint64 duration) internal {
        vm.warp(_now() + duration);
    }

    /// @dev An answer and its observation.
    function _observe(int256 answer) internal {
        feed.setAnswer(answer);
        oracle.update();
    }

    /// @dev One observation an interval, each `answer`, the last of them now.
    function _observeFor(uint256 intervals, int256 answer) internal {
        for (uint256 i = 0; i < intervals; ++i) {
            _skip(INTERVAL);
            _observe(answer);
        }
    }

    /// @dev An average over the whole window.
    function _warmUp() internal {
        oracle.update();
        _observeFor(24, TWO);
    }

    function _assertPrice(uint256 price, bool fresh) internal view {
        (uint256 price_, bool fresh_) = oracle.collateralPrice();
        assertEq(price_, price, "price");
        assertEq(fresh_, fresh, "fresh");
    }

    function _assertAverage(uint256 price, bool complete) internal view {
        (uint256 price_, uint64 observedAt, bool complete_) = oracle.average();
        assertEq(price_, price, "average");
        assertEq(observedAt, _now(), "observed now");
        assertEq(complete_, complete, "complete");
    }

    function _expectNoAnswer(address feed_) internal {
        vm.expectRevert(abi.encodeWithSelector(IFeedPriceOracle.PriceOracle_NoAnswer.selector, feed_));
    }
}
