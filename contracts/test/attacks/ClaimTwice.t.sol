// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "../ReserveBase.t.sol";

/// @notice Attack: the same uptime is paid twice.
contract ClaimTwiceTest is ReserveBase {
    function setUp() public override {
        super.setUp();
        _endow(PLENTY);
        _reward(PERIOD);
        rewardReserve.claim(PERIOD, operators[0]);
    }

    function _expectNothing() private {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardReserve.RewardReserve_NothingToClaim.selector, PERIOD, operators[0])
        );
    }

    function test_ASecondClaimPaysNothing() public {
        _expectNothing();
        rewardReserve.claim(PERIOD, operators[0]);
    }

    /// @dev What was paid is forgotten; nothing that is left of it lets the period be earned again.
    function test_NorDoesReportingAgain() public {
        uint64 closedAt = rewardReserve.closesAt(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_ReportsClosed.selector, PERIOD, closedAt));
        _reportOne(PERIOD, operators[0]);
        rewardReserve.enrol(operators[0]);
        _expectNothing();
        rewardReserve.claim(PERIOD, operators[0]);
    }

    function test_NorDoesClosingAgain() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardReserve.RewardReserve_AlreadyClosed.selector, PERIOD));
        rewardReserve.close(PERIOD);
    }
}
