// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IRewardReserve} from "../src/interfaces/IRewardReserve.sol";
import {ReserveBase} from "./ReserveBase.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract RewardReserveChangeParametersTest is ReserveBase {
    /// @dev The governor scheduled it long ago.
    function _change(IRewardReserve.Parameters memory parameters) private {
        bytes memory data = abi.encodeCall(rewardReserve.changeParameters, (parameters));
        vm.prank(governor);
        accessManager.execute(reserve, data);
    }

    /// @dev The delay runs before genesis, so that a test's periods begin after it.
    function _schedule(IRewardReserve.Parameters memory parameters) private {
        vm.prank(governor);
        accessManager.schedule(reserve, abi.encodeCall(rewardReserve.changeParameters, (parameters)), 0);
    }

    function _wage(uint96 wage) private pure returns (IRewardReserve.Parameters memory parameters) {
        parameters = _parameters();
        parameters.wage = wage;
    }

    function testFuzz_TheGovernorChangesThemForTheNextPeriod(IRewardReserve.Parameters memory current) public {
        current.domainBps = uint16(bound(current.domainBps, 1, 10_000));
        current.refillBps = uint16(bound(current.refillBps, 0, 10_000));
        _schedule(current);
        _skip(GOVERNOR_DELAY);
        uint64 next = ledger.periodAt(_now()) + 1;
        vm.expectEmit(reserve);
        emit IRewardReserve.RewardParametersChanged(next, _parameters(), current);
        _change(current);

        (IRewardReserve.Parameters memory newest, uint64 firstPeriod) = rewardReserve.parameters();
        assertEq(abi.encode(newest), abi.encode(current));
        assertEq(firstPeriod, next);
    }

    /// @dev Changes on three days, two of them in one period, while no period has been closed since before the first.
    function test_EveryPeriodIsPaidByWhatWasInForceWhenItBegan() public {
        for (uint96 wage = 2; wage <= 4; ++wage) {
            _schedule(_wage(wage * 1 ether));
        }
        _skip(GOVERNOR_DELAY);
        _endow(PLENTY);
        uint64 first = ledger.periodAt(_now()) + 2;
        _draw(first);
        _enrolAll();
        _run(first, 0, 0);
        _reportAll(first);
        // In the period after the first.
        _change(_wage(2 ether));
        _change(_wage(3 ether));
        _run(first + 1, 0, 0);
        _reportAll(first + 1);
        _change(_wage(4 ether));
        _run(first + 2, 0, 0);
        _reportAll(first + 2);
        _warpTo(rewardReserve.closesAt(first + 2));
        for (uint64 i = 0; i < 3; ++i) {
            rewardReserve.close(first + i);
        }

        assertEq(_releaseOf(first), DAILY_WAGES);
        assertEq(_releaseOf(first + 1), DAILY_WAGES, "it had begun");
        assertEq(_releaseOf(first + 2), 3 * DAILY_WAGES, "the last word of the period before");
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        IRewardReserve.Parameters[3] memory wrong = [_parameters(), _parameters(), _parameters()];
        wrong[0].domainBps = 0;
        wrong[1].domainBps = 10_001;
        wrong[2].refillBps = 10_001;
        for (uint256 i = 0; i < 3; ++i) {
            _schedule(wrong[i]);
        }
        _skip(GOVERNOR_DELAY);
        vm.expectRevert(_outOfRange("domainBps", 0, 1, 10_000));
        _change(wrong[0]);
        vm.expectRevert(_outOfRange("domainBps", 10_001, 1, 10_000));
        _change(wrong[1]);
        vm.expectRevert(_outOfRange("refillBps", 10_001, 0, 10_000));
        _change(wrong[2]);
    }

    function test_RevertWhen_TheCallerIsNotTheGovernor() public {
        address[3] memory callers = [attacker, admin, operators[0]];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            rewardReserve.changeParameters(_parameters());
        }
    }
}
