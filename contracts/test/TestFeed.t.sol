// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestFeed} from "../src/TestFeed.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Test} from "forge-std/Test.sol";

contract TestFeedTest is Test {
    address private owner = makeAddr("owner");
    TestFeed private feed;

    function setUp() public {
        vm.warp(1_800_000_000);
        feed = new TestFeed(owner, 8, 5e8);
    }

    function test_ItAnswersWhatItsOwnerSaid() public {
        assertEq(feed.decimals(), 8);
        _assertRound(1, 5e8);
        vm.warp(1_800_000_100);
        vm.expectEmit(address(feed));
        emit TestFeed.AnswerUpdated(-3, 2, 1_800_000_100);
        vm.prank(owner);
        feed.setAnswer(-3);
        _assertRound(2, -3);
    }

    function test_RevertWhen_AnybodyElseAnswers() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        feed.setAnswer(1);
    }

    function _assertRound(uint80 round, int256 expected) private view {
        (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound) =
            feed.latestRoundData();
        assertEq(roundId, round);
        assertEq(answer, expected);
        assertEq(startedAt, vm.getBlockTimestamp());
        assertEq(updatedAt, vm.getBlockTimestamp());
        assertEq(answeredInRound, round);
    }
}
