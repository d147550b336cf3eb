// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFeedPriceOracle} from "../src/interfaces/IFeedPriceOracle.sol";
import {PriceOracleBase} from "./PriceOracleBase.t.sol";

/// @notice `update` and `average`.
contract PriceOracleUpdateTest is PriceOracleBase {
    function test_TheFirstObservationIsTheAverage() public {
        vm.expectEmit(address(oracle));
        emit IFeedPriceOracle.PriceObserved(PRICE, PRICE, false);
        vm.prank(attacker);
        oracle.update();
        _assertAverage(PRICE, false);
    }

    function test_AnAverageIsCompleteWithHalfAWindow() public {
        oracle.update();
        _observeFor(11, TWO);
        _assertAverage(PRICE, false);
        _observeFor(1, TWO);
        _assertAverage(PRICE, true);
    }

    /// @dev Each price counts for as long as it was the newest, and the newest not yet.
    function test_PricesAreWeightedByTime() public {
        oracle.update();
        _skip(1 hours);
        _observe(8e8);
        _skip(2 hours);
        _observe(5e8);
        // (2 * 1 h + 8 * 2 h) / 3 h.
        _assertAverage(6e6, false);
        _skip(1 hours);
        _observe(1e8);
        // (2 * 1 h + 8 * 2 h + 5 * 1 h) / 4 h.
        _assertAverage(5.75e6, false);
    }

    function test_WhatIsOlderThanTheWindowCountsNoMore() public {
        oracle.update();
        _observeFor(24, 4e8);
        // One hour of 2, 23 hours of 4.
        _assertAverage((2e6 + 23 * 4e6) / uint256(24), true);
        _observeFor(1, 4e8);
        _assertAverage(4e6, true);
    }

    /// @dev A quarter of an hour too late each time: the oldest observation counts for its part in the window.
    function test_AnObservationThatLeavesTheWindowCountsInPart() public {
        oracle.update();
        for (uint256 i = 0; i < 20; ++i) {
            _skip(75 minutes);
            _observe(4e8);
        }
        // 25 hours have gone by: of the first hour and a quarter a quarter is left.
        _assertAverage((2e6 * 15 + 4e6 * (24 * 60 - 15)) / uint256(24 * 60), true);
    }

    /// @dev However long nobody looked, a price counts for two intervals: not for a night in which it was pumped.
    function test_SilenceGivesAPriceNoWeight() public {
        _warmUp();
        _observeFor(1, 100e8);
        _skip(12 hours);
        _observe(TWO);
        // In the window: 12 hours of 2 less one, and 2 hours of 100 for 12 of silence.
        _assertAverage((2e6 * 12 + 100e6 * 2) / uint256(14), true);
    }

    function test_AfterALongSilenceTheAverageIsIncomplete() public {
        _warmUp();
        _skip(2 days);
        _observe(TWO);
        _assertAverage(PRICE, false);
        _observeFor(9, TWO);
        _assertAverage(PRICE, false);
        _observeFor(1, TWO);
        _assertAverage(PRICE, true);
    }

    function test_TheRingGoesRoundForEver() public {
        oracle.update();
        _observeFor(24 * 3, TWO);
        _observeFor(24, 3e8);
        _observeFor(1, 3e8);
        _assertAverage(3e6, true);
    }

    /// @dev Against a naive mean over every observation there ever was.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_AgreesWithANaiveMean(uint256 seed) public {
        uint256 count = 1 + seed % 60;
        uint64[] memory times = new uint64[](count);
        uint256[] memory prices = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            _skip(uint64(1 hours + (random % 4 == 0 ? random % 6 hours : random % 10 minutes)));
            prices[i] = 1 + (random >> 64) % 1e12;
            times[i] = _now();
            // Below 1e14.
            // forge-lint: disable-next-line(unsafe-typecast)
            _observe(int256(prices[i] * 100));
        }
        (uint256 sum, uint256 weights) = (0, 0);
        for (uint256 i = 0; i + 1 < count; ++i) {
            uint256 from = times[i] < _now() - WINDOW ? _now() - WINDOW : times[i];
            if (times[i + 1] <= from) continue;
            uint256 weight = times[i + 1] - from < 2 hours ? times[i + 1] - from : 2 hours;
            sum += prices[i] * weight;
            weights += weight;
        }
        _assertAverage(weights == 0 ? prices[count - 1] : sum / weights, weights >= 12 hours);
    }

    function test_RevertWhen_TheLastObservationWasRecent() public {
        oracle.update();
        vm.expectRevert(
            abi.encodeWithSelector(IFeedPriceOracle.PriceOracle_ObservedRecently.selector, uint256(START) + INTERVAL)
        );
        oracle.update();
        _skip(INTERVAL - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IFeedPriceOracle.PriceOracle_ObservedRecently.selector, uint256(START) + INTERVAL)
        );
        oracle.update();
        _skip(1);
        oracle.update();
    }

    function test_RevertWhen_TheAnswerIsStale() public {
        _skip(MAX_AGE + 1);
        _expectNoAnswer(address(feed));
        oracle.update();
        feed.setAnswer(TWO);
        _skip(MAX_AGE);
        oracle.update();
    }
}
