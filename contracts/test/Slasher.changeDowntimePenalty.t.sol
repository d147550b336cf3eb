// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Base} from "./Base.t.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

contract SlasherChangeDowntimePenaltyTest is Base {
    /// @dev `penalty` is `_penalty()` but for one parameter, which is out of its range.
    function _assertRejected(bytes32 name, ISlasher.DowntimePenalty memory penalty, uint256[3] memory limits) private {
        bytes memory data = abi.encodeCall(slasher.changeDowntimePenalty, (penalty));
        vm.prank(governor);
        accessManager.schedule(address(slasher), data, 0);
        _skip(GOVERNOR_DELAY);
        vm.expectRevert(
            abi.encodeWithSelector(ISlasher.Slasher_ParameterOutOfRange.selector, name, limits[0], limits[1], limits[2])
        );
        vm.prank(governor);
        accessManager.execute(address(slasher), data);
    }

    function testFuzz_TheGovernorChangesItWithinLimits(ISlasher.DowntimePenalty memory penalty) public {
        penalty.earningsBps = uint16(bound(penalty.earningsBps, 0, 10_000));
        penalty.principalBps = uint16(bound(penalty.principalBps, 0, 1000));
        penalty.reporterCutBps = uint16(bound(penalty.reporterCutBps, 0, 2000));
        penalty.repeatAfter = uint16(bound(penalty.repeatAfter, 2, 64));
        penalty.memoryPeriods = uint32(bound(penalty.memoryPeriods, 1, 64));
        penalty.jailSeconds = uint64(bound(penalty.jailSeconds, 0, 90 days));

        bytes memory data = abi.encodeCall(slasher.changeDowntimePenalty, (penalty));
        vm.prank(governor);
        accessManager.schedule(address(slasher), data, 0);
        _skip(GOVERNOR_DELAY);
        vm.expectEmit(address(slasher));
        emit ISlasher.DowntimePenaltyChanged(_penalty(), penalty);
        vm.prank(governor);
        slasher.changeDowntimePenalty(penalty);

        assertEq(abi.encode(slasher.downtimePenalty()), abi.encode(penalty));
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        ISlasher.DowntimePenalty memory penalty = _penalty();
        penalty.earningsBps = 10_001;
        _assertRejected("earningsBps", penalty, [uint256(10_001), 0, 10_000]);

        penalty = _penalty();
        penalty.principalBps = 1001;
        _assertRejected("principalBps", penalty, [uint256(1001), 0, 1000]);

        penalty = _penalty();
        penalty.reporterCutBps = 2001;
        _assertRejected("reporterCutBps", penalty, [uint256(2001), 0, 2000]);

        penalty = _penalty();
        penalty.repeatAfter = 1;
        _assertRejected("repeatAfter", penalty, [uint256(1), 2, 64]);
        penalty.repeatAfter = 65;
        _assertRejected("repeatAfter", penalty, [uint256(65), 2, 64]);

        penalty = _penalty();
        penalty.memoryPeriods = 0;
        _assertRejected("memoryPeriods", penalty, [uint256(0), 1, 64]);
        penalty.memoryPeriods = 65;
        _assertRejected("memoryPeriods", penalty, [uint256(65), 1, 64]);

        penalty = _penalty();
        penalty.jailSeconds = 90 days + 1;
        _assertRejected("jailSeconds", penalty, [uint256(90 days + 1), 0, 90 days]);
    }

    function test_RevertWhen_TheGovernorDoesNotWait() public {
        bytes memory data = abi.encodeCall(slasher.changeDowntimePenalty, (_penalty()));
        bytes32 operationId = accessManager.hashOperation(governor, address(slasher), data);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operationId));
        slasher.changeDowntimePenalty(_penalty());

        accessManager.schedule(address(slasher), data, 0);
        _skip(GOVERNOR_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operationId));
        accessManager.execute(address(slasher), data);
    }

    function test_RevertWhen_TheCallerIsNotTheGovernor() public {
        address[3] memory callers = [attacker, admin, address(slasher)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            slasher.changeDowntimePenalty(_penalty());
        }
    }
}
