// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PriceOracle} from "../src/PriceOracle.sol";
import {TestFeed} from "../src/TestFeed.sol";
import {TestToken} from "../src/TestToken.sol";
import {IAggregatorV3} from "../src/interfaces/IAggregatorV3.sol";
import {PriceOracleBase} from "./PriceOracleBase.t.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice `collateralPrice` and `fallBps`.
contract PriceOraclePriceTest is PriceOracleBase {
    function test_ThePriceIsTheSpotWhileItIsTheLower() public {
        _warmUp();
        _assertPrice(PRICE, true);
        feed.setAnswer(1.5e8);
        _assertPrice(1.5e6, true);
    }

    function test_ThePriceIsTheAverageWhileThatIsTheLower() public {
        _warmUp();
        feed.setAnswer(50e8);
        _assertPrice(PRICE, true);
    }

    function test_NothingIsFreshBeforeTheAverageIsComplete() public {
        _assertPrice(PRICE, false);
        oracle.update();
        _observeFor(11, TWO);
        _assertPrice(PRICE, false);
        _observeFor(1, TWO);
        _assertPrice(PRICE, true);
    }

    function test_AnAnswerThatIsTooOldIsTheLastKnownPrice() public {
        _warmUp();
        feed.setAnswer(1.5e8);
        _skip(MAX_AGE);
        _assertPrice(1.5e6, true);
        _skip(1);
        _assertPrice(1.5e6, false);
    }

    /// @dev Six intervals without an observation: the average may hold an old price up.
    function test_AnAverageThatNobodyRenewsIsStale() public {
        _warmUp();
        _skip(6 hours);
        feed.setAnswer(TWO);
        _assertPrice(PRICE, true);
        _skip(1);
        feed.setAnswer(TWO);
        _assertPrice(PRICE, false);
    }

    /// @dev Whatever a feed does, there is a price, the last that was observed, and it admits nothing.
    function test_AnAnswerWithoutSenseIsNone() public {
        _warmUp();
        _observeFor(1, 1e8);
        uint256 now_ = _now();
        _mockAnswer(abi.encode(7, int256(0), now_, now_, 7));
        _mockAnswer(abi.encode(7, int256(-1), now_, now_, 7));
        _mockAnswer(abi.encode(7, type(int256).min, now_, now_, 7));
        _mockAnswer(abi.encode(7, TWO, now_, 0, 7));
        _mockAnswer(abi.encode(7, TWO, now_, now_ + 1 days, 7));
        _mockAnswer(abi.encode(7, TWO, now_, now_, 6));
        _mockAnswer(abi.encode(7, type(int256).max, now_, now_, 7));
        // More than a price has room for, in a feed that the token's decimals leave as it is.
        _mockAnswer(abi.encode(7, int256(uint256(type(uint128).max) * 100 + 100), now_, now_, 7));
        // Not even a base unit.
        _mockAnswer(abi.encode(7, int256(99), now_, now_, 7));
        _mockAnswer(abi.encode(7, TWO, now_, now_));
        _mockAnswer("");
        vm.mockCallRevert(address(feed), abi.encodeCall(IAggregatorV3.latestRoundData, ()), "no");
        _assertNoAnswer();
        // A feed that ceased to exist.
        vm.clearMockedCalls();
        vm.etch(address(feed), "");
        _assertNoAnswer();
    }

    function test_TheHighestPriceIsOne() public {
        feed.setAnswer(int256(uint256(type(uint128).max) * 100));
        oracle = create(address(feed), MAX_AGE, WINDOW);
        _assertPrice(type(uint128).max, false);
    }

    function test_TheFallIsMeasuredFromTheAverage() public {
        assertEq(oracle.fallBps(), 0);
        _warmUp();
        assertEq(oracle.fallBps(), 0);
        feed.setAnswer(3e8);
        assertEq(oracle.fallBps(), 0);
        feed.setAnswer(1.5e8);
        assertEq(oracle.fallBps(), 2500);
        // Rounded up.
        feed.setAnswer(TWO - 100);
        assertEq(oracle.fallBps(), 1);
        vm.mockCallRevert(address(feed), abi.encodeCall(IAggregatorV3.latestRoundData, ()), "no");
        assertEq(oracle.fallBps(), 0);
    }

    function testFuzz_ThePriceIsNeverAboveEither(uint128 before, uint128 spot) public {
        before = uint128(bound(before, 100, 1e30));
        spot = uint128(bound(spot, 100, 1e30));
        _observe(int256(uint256(before)));
        _observeFor(24, int256(uint256(before)));
        feed.setAnswer(int256(uint256(spot)));
        _assertPrice(Math.min(spot, before) / 100, true);
        assertLe(oracle.fallBps(), 10_000);
    }

    /// @dev However many decimals the parts have, a price is fee-token base units for 1e18 stake-token base units.
    function testFuzz_DecimalsAreTakenIntoAccount(uint8 stakeDecimals, uint8 feeDecimals, uint8 feedDecimals) public {
        (stakeDecimals, feeDecimals) = (uint8(bound(stakeDecimals, 0, 36)), uint8(bound(feeDecimals, 0, 36)));
        feedDecimals = uint8(bound(feedDecimals, 0, 36));
        stakeToken = new TestToken("Stake", "STK", stakeDecimals);
        feeToken = new TestToken("Fee", "FEE", feeDecimals);
        // A stake token is worth 1e18 fee tokens.
        feed = new TestFeed(address(this), feedDecimals, int256(10 ** (uint256(feedDecimals) + 18)));
        uint256 up = uint256(18) + 18 + feeDecimals;
        if (up < stakeDecimals || up - stakeDecimals > 38) {
            _expectNoAnswer(address(feed));
            this.create(address(feed), MAX_AGE, WINDOW);
            return;
        }
        oracle = this.create(address(feed), MAX_AGE, WINDOW);
        _assertPrice(10 ** (up - stakeDecimals), false);
    }

    function _mockAnswer(bytes memory answer) private {
        vm.mockCall(address(feed), abi.encodeCall(IAggregatorV3.latestRoundData, ()), answer);
        _assertNoAnswer();
    }

    function _assertNoAnswer() private {
        _assertPrice(1e6, false);
        assertEq(oracle.fallBps(), 0);
        uint256 before = vm.snapshotState();
        _skip(INTERVAL);
        _expectNoAnswer(address(feed));
        oracle.update();
        vm.revertToState(before);
    }
}
