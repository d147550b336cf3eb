// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PriceOracle} from "../src/PriceOracle.sol";
import {TestFeed} from "../src/TestFeed.sol";
import {TestToken} from "../src/TestToken.sol";
import {IFeedPriceOracle} from "../src/interfaces/IFeedPriceOracle.sol";
import {PriceOracleBase} from "./PriceOracleBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// @notice The constructor, `changeFeed` and `feed`.
contract PriceOracleChangeFeedTest is PriceOracleBase {
    function test_ItSaysHowItIsConfigured() public {
        vm.expectEmit();
        emit IFeedPriceOracle.PriceOracleConfigured(address(stakeToken), address(feeToken), WINDOW);
        vm.expectEmit();
        emit IFeedPriceOracle.FeedChanged(address(0), address(feed), 0, MAX_AGE);
        PriceOracle created = this.create(address(feed), MAX_AGE, WINDOW);
        assertEq(created.authority(), address(accessManager));
        assertEq(created.WINDOW(), WINDOW);
        assertEq(created.INTERVAL(), INTERVAL);
        assertEq(created.OBSERVATIONS(), 24);
        (address current, uint32 maxAge) = created.feed();
        assertEq(current, address(feed));
        assertEq(maxAge, MAX_AGE);
    }

    /// @dev Of other decimals, and somewhat lower; what was observed of the old feed stays.
    function test_AnotherFeedAnswers() public {
        _warmUp();
        TestFeed other = new TestFeed(address(this), 18, 1.5e18);
        vm.expectEmit(address(oracle));
        emit IFeedPriceOracle.FeedChanged(address(feed), address(other), MAX_AGE, 2 hours);
        vm.prank(governor);
        oracle.changeFeed(address(other), 2 hours);
        _assertPrice(1.5e6, true);
        _skip(2 hours);
        _assertPrice(1.5e6, true);
        _skip(1);
        _assertPrice(1.5e6, false);
        (uint256 average,,) = oracle.average();
        assertEq(average, PRICE);
    }

    function test_RevertWhen_TheCallerMayNot() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        vm.prank(attacker);
        oracle.changeFeed(address(feed), MAX_AGE);
    }

    function test_RevertWhen_TheFeedHasNoAnswer() public {
        TestFeed other = new TestFeed(address(this), 8, 0);
        _expectNoAnswer(address(other));
        vm.prank(governor);
        oracle.changeFeed(address(other), MAX_AGE);
    }

    function test_RevertWhen_AnAddressIsZero() public {
        vm.expectRevert(IFeedPriceOracle.PriceOracle_ZeroAddress.selector);
        this.create(address(0), MAX_AGE, WINDOW);
        (TestToken stake, TestToken fee) = (stakeToken, feeToken);
        stakeToken = TestToken(address(0));
        vm.expectRevert(IFeedPriceOracle.PriceOracle_ZeroAddress.selector);
        this.create(address(feed), MAX_AGE, WINDOW);
        (stakeToken, feeToken) = (stake, TestToken(address(0)));
        vm.expectRevert(IFeedPriceOracle.PriceOracle_ZeroAddress.selector);
        this.create(address(feed), MAX_AGE, WINDOW);
        feeToken = fee;
        vm.prank(governor);
        vm.expectRevert(IFeedPriceOracle.PriceOracle_ZeroAddress.selector);
        oracle.changeFeed(address(0), MAX_AGE);
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        _expectOutOfRange("window", 23, 24, 7 days);
        this.create(address(feed), MAX_AGE, 23);
        _expectOutOfRange("window", 7 days + 1, 24, 7 days);
        this.create(address(feed), MAX_AGE, 7 days + 1);
        _expectOutOfRange("maxAge", 59, 60, 7 days);
        this.create(address(feed), 59, WINDOW);
        _expectOutOfRange("maxAge", 7 days + 1, 60, 7 days);
        this.create(address(feed), 7 days + 1, WINDOW);
        this.create(address(feed), 60, 24);
        this.create(address(feed), 7 days, 7 days);
        TestFeed other = new TestFeed(address(this), 37, 1);
        _expectOutOfRange("decimals", 37, 0, 36);
        this.create(address(other), MAX_AGE, WINDOW);
        stakeToken = new TestToken("Stake", "STK", 37);
        _expectOutOfRange("decimals", 37, 0, 36);
        this.create(address(feed), MAX_AGE, WINDOW);
    }

    function _expectOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max) private {
        vm.expectRevert(abi.encodeWithSelector(IFeedPriceOracle.PriceOracle_OutOfRange.selector, name, value, min, max));
    }
}
